import type { Matrix, MatrixCell, MatrixHead } from "@benchfarm/contracts";
import Table from "cli-table3";
import pc from "picocolors";
import stringWidth from "string-width";

/** One column of the terminal's table: a metric at one column head of its matrix. */
interface Column {
  title: string[];
  cells: Map<string, MatrixCell>;
  digits: number;
}

/**
 * Matrices with the same rows side by side as one table, broken into several below each other where `width` characters do not
 * hold all columns. Ends with what every cell shown has in common, and what the marks mean.
 */
export function renderMatrixTable(matrices: Matrix[], width: number): string {
  const rows = mergeRows(matrices);
  const columns = matrices.flatMap((matrix) => columnsOf(matrix));
  if (rows.length === 0 || columns.length === 0) {
    return "No cells yet. Measure some: benchfarm sweep create --help, or npm run demo.";
  }
  const heads = rows.map((row) => row.label);
  const headWidth = Math.max(...heads.map((head) => stringWidth(head)), 5) + 2;
  const widths = columns.map((column) => columnWidth(column) + 2);
  const parts: string[] = [];
  for (let start = 0; start < columns.length;) {
    let end = start;
    let used = headWidth + 2;
    while (end < columns.length && (end === start || used + (widths[end] ?? 0) + 1 <= width)) {
      used += (widths[end] ?? 0) + 1;
      end += 1;
    }
    parts.push(renderPart(rows, columns.slice(start, end)));
    start = end;
  }
  return [...parts, ...legend(matrices)].join("\n");
}

function mergeRows(matrices: Matrix[]): MatrixHead[] {
  const rows = new Map<string, MatrixHead>();
  for (const matrix of matrices) for (const row of matrix.rows) rows.set(row.key, row);
  return [...rows.values()];
}

function columnsOf(matrix: Matrix): Column[] {
  return matrix.columns.map((head, index) => ({
    title: [
      `${matrix.metric.label} ${matrix.metric.unit}`,
      ...head.values.map((value) => value.label),
    ],
    digits: matrix.metric.digits,
    cells: new Map(
      matrix.rows.flatMap((row, r) => {
        const cell = matrix.cells[r]?.[index];
        return cell === undefined ? [] : [[row.key, cell] as const];
      }),
    ),
  }));
}

function cellText(cell: MatrixCell | undefined, digits: number): string {
  if (cell === undefined) return "";
  switch (cell.status) {
    case "measured":
    case "held": {
      const value = cell.value === null ? "?" : cell.value.toFixed(digits);
      const spread =
        cell.low === null || cell.high === null
          ? ""
          : pc.dim(` ±${((cell.high - cell.low) / 2).toFixed(digits)}`);
      const marks = `${cell.weights === "synthetic" ? "ˢ" : ""}${cell.simulated ? "ᵗ" : ""}`;
      return `${value}${spread}${marks}${cell.status === "held" ? " held" : ""}`;
    }
    case "failed":
      return pc.red(cell.detail?.split(":")[0] ?? "failed");
    case "several":
      return pc.yellow("several");
    case "pending":
      return pc.dim("pending");
    case "not_applicable":
      return "";
    case "empty":
      return pc.dim("–");
  }
}

function columnWidth(column: Column): number {
  const cells = [...column.cells.values()].map((cell) =>
    stringWidth(cellText(cell, column.digits)),
  );
  return Math.max(...cells, ...column.title.map((line) => Math.min(stringWidth(line), 22)), 3);
}

function renderPart(rows: MatrixHead[], columns: Column[]): string {
  const table = new Table({
    head: ["", ...columns.map((column) => column.title.map((line) => fold(line, 22)).join("\n"))],
    colAligns: ["left", ...columns.map(() => "right" as const)],
    style: { head: [], border: ["gray"], compact: true },
  });
  for (const row of rows) {
    table.push([
      row.label,
      ...columns.map((column) => cellText(column.cells.get(row.key), column.digits)),
    ]);
  }
  return table.toString();
}

/** Breaks a line at spaces into lines of at most `width`. */
function fold(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && stringWidth(`${last} ${word}`) <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines.join("\n");
}

function legend(matrices: Matrix[]): string[] {
  const cells = matrices.flatMap((matrix) => matrix.cells.flat());
  const lines: string[] = ["Median; ± is half the 95 % interval of the median."];
  if (cells.some((cell) => cell.weights === "synthetic")) {
    lines.push(
      "ˢ synthetic weights: the shape of the named model with random numbers; speed is comparable, answers are meaningless.",
    );
  }
  if (cells.some((cell) => cell.simulated)) lines.push("ᵗ a simulated device: not a measurement.");
  const same = Object.entries(matrices[0]?.comparison.same ?? {}).filter(([name, value]) =>
    matrices.every((matrix) => matrix.comparison.same[name] === value),
  );
  if (same.length > 0) {
    lines.push(
      `Same in every cell: ${same.map(([name, value]) => `${name} ${value}`).join(", ")}.`,
    );
  }
  const failures = new Set(
    cells.filter((cell) => cell.status === "failed").map((cell) => cell.detail ?? "failed"),
  );
  for (const failure of failures) lines.push(`Failed: ${failure}`);
  return lines;
}
