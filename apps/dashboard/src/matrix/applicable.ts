import type { Matrix } from "@benchfarm/contracts";

export interface ApplicableMatrix {
  matrix: Matrix;
  /** Rows and columns left out, and the workloads they were of. */
  hiddenRows: number;
  hiddenColumns: number;
  workloads: string[];
}

/**
 * Leaves out the rows and columns in which the metric does not exist anywhere (a decode rate in the columns of prefill workloads). A matrix
 * of nothing else is left whole.
 */
export function onlyApplicable(matrix: Matrix): ApplicableMatrix {
  const keepRows = matrix.cells.map((row) => row.some((c) => c.status !== "not_applicable"));
  const keepColumns = matrix.columns.map((_, c) =>
    matrix.cells.some((row) => row[c] !== undefined && row[c].status !== "not_applicable"),
  );
  const whole = { matrix, hiddenRows: 0, hiddenColumns: 0, workloads: [] };
  if (!keepRows.includes(true)) return whole;
  const hiddenRows = keepRows.filter((keep) => !keep).length;
  const hiddenColumns = keepColumns.filter((keep) => !keep).length;
  if (hiddenRows + hiddenColumns === 0) return whole;
  const hidden = [
    ...matrix.rows.filter((_, r) => keepRows[r] === false),
    ...matrix.columns.filter((_, c) => keepColumns[c] === false),
  ];
  return {
    matrix: {
      ...matrix,
      rows: matrix.rows.filter((_, r) => keepRows[r]),
      columns: matrix.columns.filter((_, c) => keepColumns[c]),
      cells: matrix.cells
        .filter((_, r) => keepRows[r])
        .map((row) => row.filter((_, c) => keepColumns[c])),
    },
    hiddenRows,
    hiddenColumns,
    workloads: [
      ...new Set(
        hidden.flatMap((head) =>
          head.values.filter((v) => v.dimension === "workload").map((v) => v.label),
        ),
      ),
    ],
  };
}
