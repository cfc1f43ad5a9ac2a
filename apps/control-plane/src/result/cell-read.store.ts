import {
  CellStatus,
  ComparisonKey,
  Failure,
  QuantSource,
  WeightsOrigin,
  WorkloadSpec,
  type Backend,
  type Cell,
  type CellQuery,
} from "@benchfarm/contracts";
import { z } from "zod";
import { Prisma, type Tx } from "../platform/database/database.js";
import { decodeCursor, pageFrom, type Page } from "../platform/page.js";
import { metricSummaries } from "./result-read.store.js";

const Row = z.object({
  key: z.string(),
  key_fields: ComparisonKey,
  status: CellStatus,
  failure: Failure.nullable(),
  sku_id: z.string(),
  sku_name: z.string(),
  model_id: z.string(),
  model_name: z.string(),
  quant_id: z.string(),
  quant_name: z.string(),
  weights: WeightsOrigin,
  engine_id: z.string(),
  engine_name: z.string(),
  backend: z.string(),
  workload_id: z.string(),
  workload_name: z.string(),
  result_count: z.number(),
  sample_count: z.number(),
  device_count: z.number(),
  simulated: z.boolean(),
  metrics: z.array(
    z.object({
      metric: z.string(),
      n: z.number(),
      median: z.number(),
      mean: z.number(),
      stddev: z.number().nullable(),
      min: z.number(),
      max: z.number(),
      low: z.number().nullable(),
      high: z.number().nullable(),
    }),
  ),
  updated_at: z.date(),
  spec: WorkloadSpec,
  bits_per_weight: z.number(),
  size_bytes: z.bigint(),
  source: QuantSource,
  sha256: z.string(),
  adapter: z.string(),
});

/** A cell, and of its quant, workload and engine what making the number again takes. */
export interface CellWithOrigin {
  cell: Cell;
  workload: WorkloadSpec;
  bitsPerWeight: number;
  sizeBytes: number;
  source: QuantSource;
  sha256: string;
  adapter: string;
}

const SELECT = Prisma.sql`
  select c.key, c.key_fields, c.status, c.failure, c.sku_id, s.name as sku_name, c.model_id, m.name as model_name,
    c.quant_id, q.name as quant_name, q.weights, c.engine_id, e.name || ' ' || e.version as engine_name, c.backend,
    c.workload_id, w.name as workload_name, c.result_count, c.sample_count, c.device_count, c.simulated, c.updated_at,
    w.spec, q.bits_per_weight, q.size_bytes, q.source, q.sha256, e.adapter,
    coalesce((select jsonb_agg(to_jsonb(cm) - 'cell_key') from cell_metric cm where cm.cell_key = c.key), '[]') as metrics
  from cell c join sku s on s.id = c.sku_id join model m on m.id = c.model_id join quant q on q.id = c.quant_id
    join engine e on e.id = c.engine_id join workload w on w.id = c.workload_id`;

function toCell(row: z.infer<typeof Row>): Cell {
  return {
    key: row.key,
    keyFields: row.key_fields,
    status: row.status,
    failure: row.failure,
    skuId: row.sku_id,
    skuName: row.sku_name,
    modelId: row.model_id,
    modelName: row.model_name,
    quantId: row.quant_id,
    quantName: row.quant_name,
    weights: row.weights,
    engineId: row.engine_id,
    engineName: row.engine_name,
    backend: row.backend as Backend,
    workloadId: row.workload_id,
    workloadName: row.workload_name,
    resultCount: row.result_count,
    sampleCount: row.sample_count,
    deviceCount: row.device_count,
    simulated: row.simulated,
    metrics: metricSummaries(row.metrics),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** An org's cells, by descending key: keys are digests, so the order means nothing but is stable while cells change. */
export async function listCells(
  tx: Tx,
  orgId: string,
  query: z.output<typeof CellQuery>,
): Promise<Page<Cell>> {
  const conditions = [Prisma.sql`c.org_id = ${orgId}`];
  const is = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(Prisma.sql`${Prisma.raw(column)} = ${value}`);
  };
  is("c.sku_id", query.sku);
  is("c.quant_id", query.quant);
  is("c.engine_id", query.engine);
  is("c.backend", query.backend);
  is("c.workload_id", query.workload);
  is("c.status", query.status);
  if (query.cursor !== undefined) {
    conditions.push(Prisma.sql`c.key < ${decodeCursor(query.cursor)}`);
  }
  const rows = await tx.$queryRaw<unknown[]>(Prisma.sql`
    ${SELECT} where ${Prisma.join(conditions, " and ")} order by c.key desc limit ${query.limit + 1}`);
  return pageFrom(Row.array().parse(rows), query.limit, (row) => row.key, toCell);
}

/** One cell, or null. */
export async function readCell(tx: Tx, orgId: string, key: string): Promise<CellWithOrigin | null> {
  const rows = await tx.$queryRaw<unknown[]>(
    Prisma.sql`${SELECT} where c.org_id = ${orgId} and c.key = ${key}`,
  );
  const [row] = Row.array().parse(rows);
  if (row === undefined) return null;
  return {
    cell: toCell(row),
    workload: row.spec,
    bitsPerWeight: row.bits_per_weight,
    sizeBytes: Number(row.size_bytes),
    source: row.source,
    sha256: row.sha256,
    adapter: row.adapter,
  };
}
