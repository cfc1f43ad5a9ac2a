import {
  Dimension,
  FailureCode,
  RunOutcome,
  type Matrix,
  type MatrixCell,
} from "@benchfarm/contracts";
import { formatCount, formatInterval, formatMetric } from "../format/format-number.js";

export type MatrixMetric = Matrix["metric"];

/** A cell in words. */
export interface CellWords {
  /** The few characters inside the cell. */
  text: string;
  /** The whole story in one sentence, for screen readers and tooltips. */
  sentence: string;
}

/**
 * The code that a failed cell's detail begins with, and the text after it: why a measurement has no number (`out_of_memory: ...`), or how
 * a run ended that never came to one (`no_capacity: ...`).
 */
export function failureOf(detail: string | null): {
  code: FailureCode | RunOutcome | null;
  rest: string;
} {
  const match = /^([a-z_]+)(?:[:,.]?\s+|$)/.exec(detail ?? "");
  const code = FailureCode.or(RunOutcome).safeParse(match?.[1]);
  if (!code.success) return { code: null, rest: detail ?? "" };
  return { code: code.data, rest: (detail ?? "").slice(match?.[0].length) };
}

/**
 * The dimension that a `several` cell asks to add (`... add sku or engine to the rows or columns`): the first one named that no axis has
 * yet; null when adding a dimension would not tell the keys apart.
 */
export function dimensionToAdd(
  detail: string | null,
  used: readonly Dimension[],
): Dimension | null {
  const named = /\badd ([a-z, ]+?) to\b/.exec((detail ?? "").toLowerCase())?.[1] ?? "";
  const words = named.split(/[ ,]+/);
  return (
    Dimension.options.find((dimension) => !used.includes(dimension) && words.includes(dimension)) ??
    null
  );
}

/** From this share of the value on, an interval is so wide that the number deserves a warning. */
export const WIDE_INTERVAL = 0.2;

/** Whether a number's 95 % interval is wider than a fifth of it: too noisy to rank closely. */
export function isWide(cell: Pick<MatrixCell, "status" | "value" | "low" | "high">): boolean {
  if (cell.status !== "measured" || cell.value === null) return false;
  if (cell.low === null || cell.high === null) return false;
  return cell.high - cell.low > WIDE_INTERVAL * Math.abs(cell.value);
}

const sentence = (start: string, detail: string | null) =>
  detail === null || detail === "" ? `${start}.` : `${start}: ${detail}`;

/** Says a cell in a few characters and in one sentence. Every status has words; none is blank. */
export function cellWords(
  cell: MatrixCell,
  metric: MatrixMetric,
  used: readonly Dimension[],
): CellWords {
  switch (cell.status) {
    case "measured":
    case "held": {
      const value = formatMetric(cell.value, metric.digits);
      const interval =
        cell.low === null
          ? "no interval yet"
          : `95 % interval ${formatInterval(cell.low, cell.high, metric.digits)}`;
      const origin = [
        ...(cell.weights === "synthetic" ? ["synthetic weights"] : []),
        ...(cell.simulated ? ["simulated device"] : []),
      ];
      const evidence = [
        interval,
        `n ${cell.n}`,
        formatCount(cell.resultCount, "result"),
        ...origin,
      ].join(", ");
      if (cell.status === "measured") {
        return {
          text: value,
          sentence: `${value} ${metric.unit}, ${evidence}${cell.detail === null ? "." : `. ${cell.detail}`}`,
        };
      }
      return { text: "held", sentence: sentence("Held back for a person to check", cell.detail) };
    }
    case "failed": {
      const { code } = failureOf(cell.detail);
      return {
        text: code ?? "failed",
        sentence: sentence("Failed", cell.detail ?? "no reason was recorded"),
      };
    }
    case "several": {
      const add = dimensionToAdd(cell.detail, used);
      return {
        text: add === null ? "several" : `+ ${add}`,
        sentence: sentence("Several comparison keys fall here and are never averaged", cell.detail),
      };
    }
    case "pending":
      return {
        text: "pending",
        sentence: sentence("Pending", cell.detail ?? "its runs are on their way"),
      };
    case "not_applicable":
      return {
        text: "n/a",
        sentence: sentence(`${metric.label} does not exist for this workload`, cell.detail),
      };
    case "empty":
      return {
        text: "not run",
        sentence: sentence("Empty", cell.detail ?? "nothing was asked for here"),
      };
  }
}

/** Why the cells of one status have no number: the different details with how often they occur, most frequent first. */
export function reasonsOf(
  matrix: Matrix,
  status: MatrixCell["status"],
): { reason: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const cell of matrix.cells.flat()) {
    if (cell.status !== status || cell.detail === null) continue;
    const reason = status === "failed" ? (failureOf(cell.detail).code ?? cell.detail) : cell.detail;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count);
}

/** How many cells of a matrix have each status. */
export function countStatuses(matrix: Matrix): Partial<Record<MatrixCell["status"], number>> {
  const counts: Partial<Record<MatrixCell["status"], number>> = {};
  for (const row of matrix.cells) {
    for (const { status } of row) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}
