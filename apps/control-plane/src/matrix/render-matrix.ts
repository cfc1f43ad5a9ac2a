import type { Matrix, MatrixCell, MatrixHead } from "@benchfarm/contracts";
import { stringify } from "csv-stringify/sync";

/**
 * A matrix as CSV (RFC 4180, with a header): one line per place that has something to tell, so that every number keeps its interval,
 * its count, its key and its status. Texts that a spreadsheet would run as a formula are escaped.
 */
export function toCsv(matrix: Matrix): string {
  const header = [
    ...matrix.rowDimensions,
    ...matrix.columnDimensions,
    ...["metric", "unit", "status", "value", "low", "high", "n", "results", "backend_effective"],
    ...["weights", "simulated", "cell", "detail"],
  ];
  const lines: (string | number | null)[][] = [];
  for (const { row, column, cell } of told(matrix)) {
    const { status, value, low, high, n, resultCount, backend, weights, simulated } = cell;
    lines.push([
      ...row.values.map((v) => v.label),
      ...column.values.map((v) => v.label),
      ...[matrix.metric.id, matrix.metric.unit, status, value, low, high, n, resultCount],
      ...[backend, weights, String(simulated), cell.cellKey, cell.detail],
    ]);
  }
  return stringify([header, ...lines], {
    escape_formulas: true,
    record_delimiter: "\r\n",
    // By itself it quotes only the whole delimiter, and readers take a lone line feed for one.
    quoted_match: /[\r\n]/,
  });
}

function* told(
  matrix: Matrix,
): Generator<{ row: MatrixHead; column: MatrixHead; cell: MatrixCell }> {
  for (const [r, row] of matrix.rows.entries()) {
    for (const [c, column] of matrix.columns.entries()) {
      const cell = matrix.cells[r]?.[c];
      if (cell !== undefined && cell.status !== "empty" && cell.status !== "not_applicable") {
        yield { row, column, cell };
      }
    }
  }
}

/** A matrix as a GitHub-flavoured Markdown table, with what all numbers have in common above it. */
export function toMarkdown(matrix: Matrix): string {
  const { label, unit, better } = matrix.metric;
  const title = `**${text(label)}** (${text(unit)}, ${better} is better)`;
  if (matrix.rows.length === 0) return `${title}\n\nNothing has been measured yet.\n`;
  const common = matrix.columnDimensions.filter(
    (_, i) => new Set(matrix.columns.map((column) => column.values[i]?.id)).size === 1,
  );
  const columnLabel = (head: MatrixHead) =>
    head.values
      .filter((value) => !common.includes(value.dimension))
      .map((value) => value.label)
      .join(" · ") || label;
  const same = Object.entries(matrix.comparison.same).map(
    ([name, value]) => `${text(name)} ${text(value)}`,
  );
  const line = (parts: string[]) => `| ${parts.join(" | ")} |`;
  return [
    title,
    "",
    ...(same.length === 0 ? [] : [`The same everywhere: ${same.join(", ")}.`, ""]),
    line([...matrix.rowDimensions, ...matrix.columns.map((column) => text(columnLabel(column)))]),
    line([...matrix.rowDimensions.map(() => "---"), ...matrix.columns.map(() => "---:")]),
    ...matrix.rows.map((row, r) =>
      line([
        ...row.values.map((value) => text(value.label)),
        ...matrix.columns.map((_, c) => text(cellText(matrix, matrix.cells[r]?.[c]))),
      ]),
    ),
    "",
  ].join("\n");
}

function cellText({ metric }: Matrix, cell: MatrixCell | undefined): string {
  if (cell === undefined || cell.status === "empty") return "";
  if (cell.status === "not_applicable") return "–";
  if (cell.status !== "measured" || cell.value === null) {
    return cell.status === "failed" ? (cell.detail?.split(":")[0] ?? "failed") : cell.status;
  }
  const number = (value: number) => value.toFixed(metric.digits);
  const interval =
    cell.low === null || cell.high === null ? "" : ` (${number(cell.low)}–${number(cell.high)})`;
  return `${number(cell.value)}${interval}`;
}

/** A text that stays one cell of a table and is not taken for markup. */
function text(value: string): string {
  return value
    .replaceAll("\\", "\\\\")
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;")
    .replaceAll("`", "\\`")
    .replace(/\s*[\r\n]+\s*/g, " ");
}
