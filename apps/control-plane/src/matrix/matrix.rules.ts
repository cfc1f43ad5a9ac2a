import {
  Dimension,
  metricDefinition,
  type CellStatus,
  type Matrix,
  type MatrixCell,
  type MatrixHead,
  type MetricId,
  type WeightsOrigin,
  type WorkloadKind,
} from "@benchfarm/contracts";
import { metricApplies } from "./applies.rules.js";
import {
  compareValues,
  headKey,
  headOf,
  sortHeads,
  type DimensionValues,
} from "./matrix-values.rules.js";
import { compareContexts, placeCell, type Context } from "./place.rules.js";

/** Where something falls: an id for every dimension. A quant's id is its name, for the same name on two models is one column. */
export type Place = Record<Dimension, string>;

/** One cell with what a matrix shows of it. */
export interface PlacedCell {
  key: string;
  place: Place;
  quantId: string;
  workloadKind: WorkloadKind;
  weights: WeightsOrigin;
  simulated: boolean;
  status: CellStatus;
  failure: { code: string; message: string } | null;
  resultCount: number;
  contextDigest: string;
  updatedAtMs: number;
  /** The asked metric's summary; null when the cell has none. */
  summary: { n: number; median: number; low: number | null; high: number | null } | null;
}

/** Runs at a place that may have no cell: on their way, or ended without a result. */
export interface PlacedRuns {
  place: Place;
  workloadKind: WorkloadKind;
  weights: WeightsOrigin;
  simulated: boolean;
  openCount: number;
  ended: { outcome: string; reason: string | null } | null;
}

export interface MatrixInput {
  metric: MetricId;
  rows: Dimension[];
  columns: Dimension[];
  cells: readonly PlacedCell[];
  runs: readonly PlacedRuns[];
  values: DimensionValues;
  /** By context digest: the comparison fields that are no dimension. */
  contexts: ReadonlyMap<string, Context>;
}

interface Gathered {
  cells: PlacedCell[];
  runs: PlacedRuns[];
}

/**
 * Lays cells and runs out as rows x columns of one metric. A place never mixes comparison keys: it shows one number, or says which
 * dimension to add. Rows and columns for which the metric does not exist are left out.
 */
export function pivot(input: MatrixInput): Matrix {
  const { rows, columns, values } = input;
  const places = gather(input);
  const rowHeads = headsOf(rows, input);
  const columnHeads = headsOf(columns, input);
  const kinds = new Map(
    [...input.cells, ...input.runs].map((item) => [item.place.workload, item.workloadKind]),
  );
  const grid = rowHeads.map((row) =>
    columnHeads.map((column) => {
      const found = places.get(row.key)?.get(column.key);
      const place = found === undefined ? EMPTY : placeCell(found.cells, found.runs, input);
      return place.status === "empty" && !appliesAt(row, column, kinds, input.metric)
        ? NOT_APPLICABLE
        : place;
    }),
  );
  const told = (cell: MatrixCell) => cell.status !== "not_applicable" && cell.status !== "empty";
  const keptRows = rowHeads.map((_, r) => (grid[r] as MatrixCell[]).some(told));
  const keptColumns = columnHeads.map((_, c) => grid.some((row) => told(row[c] as MatrixCell)));
  const { label, unit, better, digits } = metricDefinition(input.metric);
  const newest = input.cells.reduce((ms, cell) => Math.max(ms, cell.updatedAtMs), 0);
  return {
    metric: { id: input.metric, label, unit, better, digits },
    rowDimensions: rows,
    columnDimensions: columns,
    rows: rowHeads.filter((_, r) => keptRows[r]),
    columns: columnHeads.filter((_, c) => keptColumns[c]),
    cells: grid.filter((_, r) => keptRows[r]).map((row) => row.filter((_, c) => keptColumns[c])),
    facets: facetsOf(values),
    comparison: compareContexts(input),
    updatedAt: newest === 0 ? null : new Date(newest).toISOString(),
  };
}

function blank(status: "empty" | "not_applicable", detail: string): MatrixCell {
  return Object.freeze({
    status,
    value: null,
    low: null,
    high: null,
    n: 0,
    resultCount: 0,
    cellKey: null,
    backend: null,
    weights: null,
    simulated: false,
    detail,
  });
}

const EMPTY = blank("empty", "nobody has asked for this yet");
const NOT_APPLICABLE = blank("not_applicable", "this metric does not exist for this workload");

function gather({ rows, columns, cells, runs }: MatrixInput): Map<string, Map<string, Gathered>> {
  const places = new Map<string, Map<string, Gathered>>();
  const at = (place: Place): Gathered => {
    const rowKey = headKey(rows.map((dimension) => place[dimension]));
    const columnKey = headKey(columns.map((dimension) => place[dimension]));
    let row = places.get(rowKey);
    if (row === undefined) places.set(rowKey, (row = new Map<string, Gathered>()));
    let gathered = row.get(columnKey);
    if (gathered === undefined) row.set(columnKey, (gathered = { cells: [], runs: [] }));
    return gathered;
  };
  for (const cell of cells) at(cell.place).cells.push(cell);
  for (const run of runs) at(run.place).runs.push(run);
  return places;
}

function headsOf(
  dimensions: Dimension[],
  { cells, runs, values }: Pick<MatrixInput, "cells" | "runs" | "values">,
): MatrixHead[] {
  const ids = new Map<string, string[]>();
  for (const { place } of [...cells, ...runs]) {
    const own = dimensions.map((dimension) => place[dimension]);
    ids.set(headKey(own), own);
  }
  return sortHeads(
    [...ids.values()].map((own) => headOf(dimensions, own, values)),
    values,
  );
}

/** Whether the metric exists where this row and column meet, as far as their heads tell. */
function appliesAt(
  row: MatrixHead,
  column: MatrixHead,
  kinds: ReadonlyMap<string, WorkloadKind>,
  metric: MetricId,
): boolean {
  const workload = [...row.values, ...column.values].find(
    (value) => value.dimension === "workload",
  );
  const kind = workload === undefined ? undefined : kinds.get(workload.id);
  return kind === undefined || metricApplies(metric, kind);
}

function facetsOf(values: DimensionValues): Matrix["facets"] {
  const facet = (dimension: Dimension) =>
    [...values[dimension].values()]
      .filter((value) => value.used)
      .sort(compareValues)
      .map(({ id, label }) => ({ id, label }));
  return Object.fromEntries(
    Dimension.options.map((dimension) => [dimension, facet(dimension)]),
  ) as Matrix["facets"];
}
