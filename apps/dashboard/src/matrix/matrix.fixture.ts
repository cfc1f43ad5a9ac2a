import type { Dimension, Matrix, MatrixCell, MatrixHead } from "@benchfarm/contracts";

/** A cell of a test matrix: empty, but for what is given. */
export function aCell(given: Partial<MatrixCell> = {}): MatrixCell {
  return {
    status: given.value === undefined ? "empty" : "measured",
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
    ...given,
  };
}

/** A head with one label per dimension, its ids the labels. */
export function aHead(values: Partial<Record<Dimension, string>>): MatrixHead {
  const list = Object.entries(values) as [Dimension, string][];
  return {
    key: list.map(([, label]) => label).join("/"),
    label: list.map(([, label]) => label).join(" · "),
    values: list.map(([dimension, label]) => ({ dimension, id: label, label })),
  };
}

/** A test matrix with these heads and cells. */
export function aMatrix(
  rows: MatrixHead[],
  columns: MatrixHead[],
  cells: MatrixCell[][],
  given: Partial<Matrix> = {},
): Matrix {
  return {
    metric: {
      id: "decodeTokensPerSecond",
      label: "Decode",
      unit: "tok/s",
      better: "higher",
      digits: 1,
    },
    rowDimensions: rows[0]?.values.map((v) => v.dimension) ?? [],
    columnDimensions: columns[0]?.values.map((v) => v.dimension) ?? [],
    rows,
    columns,
    cells,
    facets: { sku: [], model: [], quant: [], engine: [], backend: [], workload: [] },
    comparison: { same: {}, varies: [] },
    updatedAt: null,
    ...given,
  };
}
