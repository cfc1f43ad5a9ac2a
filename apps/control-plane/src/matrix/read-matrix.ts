import { createHash } from "node:crypto";
import { canonicalJson, type Matrix, type MatrixQuery } from "@benchfarm/contracts";
import { Backend } from "@benchfarm/contracts";
import type { Database } from "../platform/database/database.js";
import { pivot, type PlacedCell, type PlacedRuns } from "./matrix.rules.js";
import {
  labelValues,
  modelName,
  workloadOrder,
  type CatalogueValue,
  type DimensionValues,
} from "./matrix-values.rules.js";
import {
  readCellVersion,
  readComparisonKeys,
  readMatrixCells,
  readMatrixRuns,
  readMatrixValues,
  type MatrixCellRow,
  type MatrixRunsRow,
  type MatrixValueRow,
} from "./matrix.store.js";
import { contextOf, type Context } from "./place.rules.js";

/** Raise it when the same cells are laid out otherwise, so that no cache keeps the old form. */
const FORM = 1;

/** A matrix that can be asked for its tag first and, only when the caller has another one, for itself. */
export interface MatrixReading {
  /** Equal tags mean equal bytes, for one form of the reply. */
  etag: string;
  read(): Promise<Matrix>;
}

/**
 * Looks up what decides a matrix: the version of the org's cells and the runs without one. The version is read before the cells, so a
 * tag can be older than its matrix but never newer: a change is never hidden.
 */
export async function openMatrix(
  database: Database,
  orgId: string,
  query: MatrixQuery,
  form: string,
): Promise<MatrixReading> {
  const tx = database.prisma;
  const [version, runs] = await Promise.all([
    readCellVersion(tx, orgId),
    readMatrixRuns(tx, orgId, query),
  ]);
  const decisive = { FORM, form, orgId, query, version: String(version), runs };
  const digest = createHash("sha256").update(canonicalJson(decisive)).digest("base64url");
  return {
    etag: `"${digest}"`,
    async read() {
      const alsoIds = runs.flatMap((row) => [
        row.sku_id,
        row.model_id,
        row.quant_id,
        row.engine_id ?? "",
        row.workload_id,
      ]);
      const [cells, values] = await Promise.all([
        readMatrixCells(tx, orgId, query),
        readMatrixValues(tx, orgId, query.simulated, [...new Set(alsoIds)]),
      ]);
      const contexts = await readContexts(database, cells);
      return layOut(query, cells, runs, values, contexts);
    },
  };
}

/** One comparison key tells the context of all cells with the same digest. */
async function readContexts(
  database: Database,
  cells: readonly MatrixCellRow[],
): Promise<Map<string, Context>> {
  const speakers = new Map(cells.map((cell) => [cell.context_digest, cell.key]));
  const keys = await readComparisonKeys(database.prisma, [...speakers.values()]);
  const contexts = new Map<string, Context>();
  for (const [digest, key] of speakers) {
    const fields = keys.get(key);
    if (fields !== undefined) contexts.set(digest, contextOf(fields));
  }
  return contexts;
}

function layOut(
  query: MatrixQuery,
  cells: readonly MatrixCellRow[],
  runs: readonly MatrixRunsRow[],
  values: readonly MatrixValueRow[],
  contexts: Map<string, Context>,
): Matrix {
  const quants = new Map<string, Extract<MatrixValueRow, { dimension: "quant" }>>();
  const workloads = new Map<string, Extract<MatrixValueRow, { dimension: "workload" }>>();
  for (const value of values) {
    if (value.dimension === "quant") quants.set(value.id, value);
    if (value.dimension === "workload") workloads.set(value.id, value);
  }
  const placeOf = (row: MatrixCellRow | MatrixRunsRow, engineId: string) => {
    const quant = quants.get(row.quant_id);
    const workload = workloads.get(row.workload_id);
    if (quant === undefined || workload === undefined) return null;
    return {
      place: {
        sku: row.sku_id,
        model: row.model_id,
        quant: quant.name,
        engine: engineId,
        backend: row.backend,
        workload: row.workload_id,
      },
      workloadKind: workload.kind,
      weights: quant.weights,
      simulated: row.simulated,
    };
  };
  const placedCells: PlacedCell[] = [];
  for (const row of cells) {
    // A cell of this very moment, whose catalogue rows were read before it came; the next reading has it.
    const placed = placeOf(row, row.engine_id);
    if (placed === null) continue;
    placedCells.push({
      ...placed,
      key: row.key,
      quantId: row.quant_id,
      status: row.status,
      failure:
        row.failure_code === null
          ? null
          : { code: row.failure_code, message: row.failure_message ?? "" },
      resultCount: row.result_count,
      contextDigest: row.context_digest,
      updatedAtMs: row.updated_at_ms,
      summary:
        row.median === null || row.n === null
          ? null
          : { n: row.n, median: row.median, low: row.low, high: row.high },
    });
  }
  const placedRuns: PlacedRuns[] = [];
  for (const row of runs) {
    const placed = placeOf(row, row.engine_id ?? row.adapter);
    if (placed === null) continue;
    placedRuns.push({
      ...placed,
      openCount: row.open_count,
      ended: row.outcome === null ? null : { outcome: row.outcome, reason: row.reason },
    });
  }
  return pivot({
    metric: query.metric,
    rows: query.rows,
    columns: query.columns,
    cells: placedCells,
    runs: placedRuns,
    values: dimensionValues(values),
    contexts,
  });
}

/** Labels and order of everything a dimension can show. Quants of one name are one value, ordered by their bits per weight. */
function dimensionValues(rows: readonly MatrixValueRow[]): DimensionValues {
  const values: CatalogueValue[] = [];
  const quantNames = new Map<string, { used: boolean; bits: number[] }>();
  for (const row of rows) {
    if (row.dimension === "quant") {
      const known = quantNames.get(row.name) ?? { used: false, bits: [] };
      known.bits.push(row.bitsPerWeight);
      quantNames.set(row.name, { ...known, used: known.used || row.used });
    } else {
      values.push(catalogueValue(row));
    }
  }
  for (const [name, { used, bits }] of quantNames) {
    const order = [bits.reduce((sum, bit) => sum + bit, 0) / bits.length];
    values.push({ dimension: "quant", id: name, name, distinctions: [], order, used });
  }
  return labelValues(values);
}

function catalogueValue(row: Exclude<MatrixValueRow, { dimension: "quant" }>): CatalogueValue {
  const { dimension, id, used } = row;
  switch (row.dimension) {
    case "sku":
      return { dimension, id, used, name: row.name, distinctions: [`#${id.slice(-6)}`], order: [] };
    case "model":
      return {
        ...{ dimension, id, used, name: modelName(row.name, row.weights) },
        distinctions: [`@${row.revision}`],
        order: [row.family, row.parameterCount ?? Number.MAX_SAFE_INTEGER],
      };
    case "engine":
      return {
        ...{ dimension, id, used, name: `${row.name} ${row.version}` },
        distinctions: [row.program, `(${row.build.slice(0, 8)})`, `#${id.slice(-6)}`],
        order: [],
      };
    case "backend":
      return {
        ...{ dimension, id, used, name: id },
        distinctions: [],
        order: [Backend.options.indexOf(id as Backend)],
      };
    case "workload":
      return {
        ...{ dimension, id, used, name: row.name },
        distinctions: [`#${row.digest.slice(0, 6)}`],
        order: workloadOrder(row.kind, row),
      };
  }
}
