import { Matrix, type MatrixCell } from "@benchfarm/contracts";
import stringWidth from "string-width";
import { renderMatrixTable } from "./matrix-table.js";

const blank: MatrixCell = {
  status: "empty",
  value: null,
  low: null,
  high: null,
  n: 0,
  resultCount: 0,
  cellKey: null,
  backend: null,
  weights: null,
  simulated: false,
  detail: null,
};

function matrix(columns: string[], cells: MatrixCell[][]): Matrix {
  return Matrix.parse({
    metric: {
      id: "decodeTokensPerSecond",
      label: "Decode",
      unit: "tok/s",
      better: "higher",
      digits: 1,
    },
    rowDimensions: ["model", "quant"],
    columnDimensions: ["sku"],
    rows: cells.map((_, r) => ({ key: `r${r}`, label: `Model ${r} Q4_0`, values: [] })),
    columns: columns.map((label, c) => ({
      key: `c${c}`,
      label,
      values: [{ dimension: "sku", id: `c${c}`, label }],
    })),
    cells,
    facets: { sku: [], model: [], quant: [], engine: [], backend: [], workload: [] },
    comparison: { same: { engine: "llama.cpp v0.4.0" }, varies: ["quant"] },
    updatedAt: null,
  });
}

test("a value shows half its interval, synthetic weights are marked and explained, failures say why", () => {
  const text = renderMatrixTable(
    [
      matrix(
        ["Board"],
        [
          [
            {
              ...blank,
              status: "measured",
              value: 21.26,
              low: 20,
              high: 22,
              weights: "synthetic",
              n: 5,
            },
          ],
          [{ ...blank, status: "failed", detail: "out_of_memory: the model does not fit" }],
        ],
      ),
    ],
    100,
  );
  expect(text).toContain("21.3");
  expect(text).toContain("±1.0");
  expect(text).toMatch(/ˢ synthetic weights/);
  expect(text).toContain("out_of_memory");
  expect(text).toContain("Failed: out_of_memory: the model does not fit");
  expect(text).toContain("Same in every cell: engine llama.cpp v0.4.0.");
});

test("a table wider than the terminal is broken into tables that fit", () => {
  const columns = Array.from({ length: 12 }, (_, i) => `Board number ${i}`);
  const row = columns.map(() => ({ ...blank, status: "measured" as const, value: 10, n: 5 }));
  const text = renderMatrixTable([matrix(columns, [row])], 60);
  const tableLines = text.split("\n").filter((line) => /[│─]/.test(line));
  expect(Math.max(...tableLines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(60);
  for (const column of columns)
    expect(text.replace(/\s+/g, " ")).toContain(column.slice(-2).trim());
});

test("no cells: says how to get some", () => {
  expect(renderMatrixTable([matrix([], [])], 80)).toContain("npm run demo");
});
