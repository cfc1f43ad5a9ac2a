import type { Matrix } from "@benchfarm/contracts";
import { formatMetric } from "../format/format-number.js";

export type GroupKind = "prefill" | "decode" | "end_to_end" | "all";

/** The values that are coloured against each other, and the range that the colours span. */
export interface ScaleGroup {
  kind: GroupKind;
  label: string;
  /** The workloads in it, in the order shown; empty when the matrix has no workload axis. */
  workloads: string[];
  /** Smallest and largest measured value; null when nothing in the group is measured. */
  min: number | null;
  max: number | null;
  /** The colour range, wider than min to max where the values lie close together. */
  from: number;
  to: number;
  /** `ratio`: equal colour steps are equal ratios. `difference`: equal differences, used only where a value is zero or less. */
  steps: "ratio" | "difference";
}

export interface MatrixScale {
  groups: ScaleGroup[];
  /** The group of the cell at row `r`, column `c`. */
  groupAt(r: number, c: number): ScaleGroup;
  /** 0 (worst of its group) to 1 (best of its group), by what the metric calls better. */
  position(r: number, c: number, value: number): number;
}

const LABELS: Record<GroupKind, string> = {
  prefill: "Prefill workloads",
  decode: "Decode workloads",
  end_to_end: "End-to-end workloads",
  all: "All cells",
};

/** A range narrower than this ratio is widened to it, so that noise is not painted as a difference. */
export const NARROWEST_RATIO = 1.5;

/** The kind of a workload by its name in llama-bench's notation: pp512, tg128, pp512+tg128, with `@d4096` for a depth. */
export function kindOfWorkloadName(name: string): GroupKind {
  const prompt = /(^|\+)pp\d/.test(name);
  const generated = /(^|\+)tg\d/.test(name);
  if (prompt && generated) return "end_to_end";
  if (prompt) return "prefill";
  return generated ? "decode" : "all";
}

function range(values: number[]): Pick<ScaleGroup, "min" | "max" | "from" | "to" | "steps"> {
  if (values.length === 0) return { min: null, max: null, from: 1, to: 1, steps: "ratio" };
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  if (min <= 0) {
    const spare = min === max ? Math.max(1, Math.abs(min)) / 2 : 0;
    return { min, max, from: min - spare, to: max + spare, steps: "difference" };
  }
  const widen = Math.sqrt(Math.max(1, NARROWEST_RATIO / (max / min)));
  return { min, max, from: min / widen, to: max * widen, steps: "ratio" };
}

/**
 * Groups the cells of a matrix for colouring: by the kind of their workload where an axis has workloads (a prefill rate is many times a
 * decode rate), else all together; each group spans its own smallest to largest value, at least a ratio of 1.5.
 */
export function matrixScale(matrix: Matrix): MatrixScale {
  const axis = matrix.columnDimensions.includes("workload")
    ? ("columns" as const)
    : matrix.rowDimensions.includes("workload")
      ? ("rows" as const)
      : null;
  const heads = axis === null ? [] : matrix[axis];
  const workloadOf = heads.map(
    (head) => head.values.find((v) => v.dimension === "workload")?.label ?? "",
  );
  const kinds = workloadOf.map(kindOfWorkloadName);
  const present: GroupKind[] = axis === null ? ["all"] : [...new Set(kinds)];
  const kindAt = (r: number, c: number): GroupKind =>
    axis === null ? "all" : (kinds[axis === "columns" ? c : r] ?? "all");

  const valuesOf = new Map<GroupKind, number[]>(present.map((kind) => [kind, []]));
  matrix.cells.forEach((row, r) => {
    row.forEach((cell, c) => {
      if (cell.status === "measured" && cell.value !== null) {
        valuesOf.get(kindAt(r, c))?.push(cell.value);
      }
    });
  });
  const byKind = new Map<GroupKind, ScaleGroup>(
    present.map((kind) => [
      kind,
      {
        kind,
        label: present.length === 1 ? LABELS.all : LABELS[kind],
        workloads: [...new Set(workloadOf.filter((_, i) => kinds[i] === kind))],
        ...range(valuesOf.get(kind) ?? []),
      },
    ]),
  );
  const fallback: ScaleGroup = { kind: "all", label: LABELS.all, workloads: [], ...range([]) };
  const groupAt = (r: number, c: number) => byKind.get(kindAt(r, c)) ?? fallback;

  return {
    groups: [...byKind.values()].filter((group) => group.min !== null),
    groupAt,
    position(r, c, value) {
      const { from, to, steps } = groupAt(r, c);
      if (from === to) return 0.5;
      const share =
        steps === "ratio"
          ? Math.log(value / from) / Math.log(to / from)
          : (value - from) / (to - from);
      const clamped = Math.min(1, Math.max(0, share));
      return matrix.metric.better === "higher" ? clamped : 1 - clamped;
    },
  };
}

/** How a group is coloured, in words for the legend. */
export function describeGroup(group: ScaleGroup, unit: string, digits: number): string {
  const span = `${formatMetric(group.min, digits)} – ${formatMetric(group.max, digits)} ${unit}`;
  return group.workloads.length === 0 ? span : `${group.workloads.join(", ")}: ${span}`;
}
