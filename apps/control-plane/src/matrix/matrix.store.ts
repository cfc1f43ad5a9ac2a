import {
  Backend,
  CellStatus,
  ComparisonKey,
  WeightsOrigin,
  WorkloadKind,
  type Dimension,
  type MatrixQuery,
} from "@benchfarm/contracts";
import { z } from "zod";
import { Prisma, type Tx } from "../platform/database/database.js";

type Query = Pick<
  MatrixQuery,
  "metric" | "sku" | "model" | "quant" | "engine" | "backend" | "workload" | "weights" | "simulated"
>;

/** Rises with every change of an org's cells; 0 when it never had one. */
export async function readCellVersion(tx: Tx, orgId: string): Promise<bigint> {
  const rows = await tx.$queryRaw<{ version: bigint }[]>(
    Prisma.sql`select version from cell_version where org_id = ${orgId}`,
  );
  return rows[0]?.version ?? 0n;
}

/** Filters by id or name, each as one array that PostgreSQL makes once, so that indexes serve the rows. */
function filters(orgId: string, query: Query, columns: Record<string, string>): Prisma.Sql[] {
  const conditions: Prisma.Sql[] = [];
  const named = (dimension: "sku" | "model" | "workload", given: string[] | undefined) => {
    if (given === undefined) return;
    const table = Prisma.raw(dimension);
    conditions.push(Prisma.sql`${Prisma.raw(columns[dimension] as string)} = any(array(
      select id from ${table} where org_id = ${orgId} and (id = any(${given}::text[]) or name = any(${given}::text[]))))`);
  };
  named("sku", query.sku);
  named("model", query.model);
  named("workload", query.workload);
  if (query.quant !== undefined || query.weights !== undefined) {
    const byName =
      query.quant === undefined
        ? Prisma.empty
        : Prisma.sql`and (id = any(${query.quant}::text[]) or name = any(${query.quant}::text[]))`;
    const byWeights =
      query.weights === undefined ? Prisma.empty : Prisma.sql`and weights = ${query.weights}`;
    conditions.push(Prisma.sql`${Prisma.raw(columns["quant"] as string)} = any(array(
      select id from quant where org_id = ${orgId} ${byName} ${byWeights}))`);
  }
  if (query.backend !== undefined) {
    conditions.push(
      Prisma.sql`${Prisma.raw(columns["backend"] as string)} = any(${query.backend}::text[])`,
    );
  }
  return conditions;
}

const CellRow = z.object({
  key: z.string(),
  sku_id: z.string(),
  model_id: z.string(),
  quant_id: z.string(),
  engine_id: z.string(),
  backend: z.string(),
  workload_id: z.string(),
  simulated: z.boolean(),
  status: CellStatus,
  failure_code: z.string().nullable(),
  failure_message: z.string().nullable(),
  result_count: z.number(),
  context_digest: z.string(),
  updated_at_ms: z.number(),
  n: z.number().nullable(),
  median: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
export type MatrixCellRow = z.infer<typeof CellRow>;

/**
 * Every cell that the filters leave, with its summary of the one metric: one statement, and no result or sample. `limit 1` makes
 * PostgreSQL look each summary up by its key; left to itself it would read the metrics of all cells for some thousand of them.
 */
export async function readMatrixCells(
  tx: Tx,
  orgId: string,
  query: Query,
): Promise<MatrixCellRow[]> {
  const conditions = [
    Prisma.sql`c.org_id = ${orgId}`,
    ...(query.simulated ? [] : [Prisma.sql`not c.simulated`]),
    ...filters(orgId, query, {
      sku: "c.sku_id",
      model: "c.model_id",
      quant: "c.quant_id",
      workload: "c.workload_id",
      backend: "c.backend",
    }),
    ...(query.engine === undefined
      ? []
      : [
          Prisma.sql`c.engine_id = any(array(
            select id from engine where org_id = ${orgId} and (id = any(${query.engine}::text[])
              or name = any(${query.engine}::text[]) or adapter = any(${query.engine}::text[]))))`,
        ]),
  ];
  const rows = await tx.$queryRaw<unknown[]>(Prisma.sql`
    select c.key, c.sku_id, c.model_id, c.quant_id, c.engine_id, c.backend, c.workload_id, c.simulated, c.status,
      c.failure->>'code' as failure_code, left(c.failure->>'message', 300) as failure_message, c.result_count,
      c.context_digest, (extract(epoch from c.updated_at) * 1000)::float8 as updated_at_ms, m.n, m.median, m.low, m.high
    from cell c
    left join lateral (select n, median, low, high from cell_metric
                       where cell_key = c.key and metric = ${query.metric} limit 1) m on true
    where ${Prisma.join(conditions, " and ")}`);
  return CellRow.array().parse(rows);
}

const RunsRow = z.object({
  sku_id: z.string(),
  model_id: z.string(),
  quant_id: z.string(),
  adapter: z.string(),
  engine_id: z.string().nullable(),
  backend: z.string(),
  workload_id: z.string(),
  simulated: z.boolean(),
  open_count: z.number(),
  outcome: z.string().nullable(),
  reason: z.string().nullable(),
});
export type MatrixRunsRow = z.infer<typeof RunsRow>;

/**
 * Runs that may stand where there is no cell, by place: on their way, or ended without any result. The engine is the one that the
 * device has for the run's adapter, null when it has none.
 */
export async function readMatrixRuns(
  tx: Tx,
  orgId: string,
  query: Query,
): Promise<MatrixRunsRow[]> {
  const conditions = [
    Prisma.sql`true`,
    ...(query.simulated ? [] : [Prisma.sql`not p.simulated`]),
    ...filters(orgId, query, {
      sku: "p.sku_id",
      model: "q.model_id",
      quant: "p.quant_id",
      workload: "p.workload_id",
      backend: "p.backend",
    }),
  ];
  const rows = await tx.$queryRaw<unknown[]>(Prisma.sql`
    with waiting as (
      select quant_id, workload_id, engine, engine_version, backend, device_id, sku_id, true as open,
        null::text as outcome, null::text as reason, null::timestamptz as ended_at
      from run where org_id = ${orgId} and state <> 'done'
      union all
      select quant_id, workload_id, engine, engine_version, backend, device_id, sku_id, false, outcome::text, reason, ended_at
      from run where org_id = ${orgId} and state = 'done' and result_id is null
        and outcome in ('failed', 'invalid', 'infra_error', 'timed_out', 'expired', 'no_capacity')
    ),
    placed as (
      select coalesce(w.sku_id, d.sku_id) as sku_id, w.quant_id, w.engine as adapter, w.engine_version, w.backend,
        w.workload_id, coalesce(d.simulated, false) as simulated, min(d.id) as device_id,
        count(*) filter (where w.open)::int as open_count,
        (array_agg(w.outcome order by w.ended_at desc) filter (where not w.open))[1] as outcome,
        (array_agg(w.reason order by w.ended_at desc) filter (where not w.open))[1] as reason
      from waiting w left join device d on d.id = w.device_id
      group by 1, 2, 3, 4, 5, 6, 7
    )
    select p.sku_id, q.model_id, p.quant_id, p.adapter, own.id as engine_id, p.backend, p.workload_id, p.simulated,
      p.open_count, p.outcome, p.reason
    from placed p join quant q on q.id = p.quant_id
    left join lateral (
      select e.id
      from device d, jsonb_array_elements(d.engines) as has
      join engine e on e.org_id = ${orgId} and e.adapter = has->>'adapter' and e.version = has->>'version'
        and e.build = has->>'build' and e.program = has->>'program'
      where d.id = coalesce(p.device_id, (
          select min(any_device.id) from device any_device
          where any_device.org_id = ${orgId} and any_device.sku_id = p.sku_id and any_device.lifecycle = 'active'))
        and has->>'adapter' = p.adapter and (p.engine_version is null or has->>'version' = p.engine_version)
      limit 1
    ) own on true
    where ${Prisma.join(conditions, " and ")}
    order by p.sku_id, p.quant_id, p.workload_id, p.backend, p.adapter, p.engine_version, p.simulated`);
  const placed = RunsRow.array().parse(rows);
  const { engine } = query;
  return engine === undefined
    ? placed
    : placed.filter((row) => engine.includes(row.adapter) || engine.includes(row.engine_id ?? ""));
}

const ValueRow = z.discriminatedUnion("dimension", [
  z.object({ dimension: z.literal("sku"), id: z.string(), used: z.boolean(), name: z.string() }),
  z.object({
    dimension: z.literal("model"),
    id: z.string(),
    used: z.boolean(),
    name: z.string(),
    family: z.string(),
    parameterCount: z.number().nullable(),
    weights: WeightsOrigin,
    revision: z.string(),
  }),
  z.object({
    dimension: z.literal("quant"),
    id: z.string(),
    used: z.boolean(),
    name: z.string(),
    bitsPerWeight: z.number(),
    weights: WeightsOrigin,
  }),
  z.object({
    dimension: z.literal("engine"),
    id: z.string(),
    used: z.boolean(),
    name: z.string(),
    version: z.string(),
    build: z.string(),
    program: z.string(),
  }),
  z.object({ dimension: z.literal("backend"), id: z.string(), used: z.boolean() }),
  z.object({
    dimension: z.literal("workload"),
    id: z.string(),
    used: z.boolean(),
    name: z.string(),
    kind: WorkloadKind,
    digest: z.string(),
    promptTokens: z.number(),
    generatedTokens: z.number(),
    depthTokens: z.number(),
  }),
]);
export type MatrixValueRow = z.infer<typeof ValueRow>;

/**
 * The catalogue rows that the org's cells use, and those of `alsoIds`, for runs that have no cell yet. The used values of a dimension
 * are found by stepping through its index from one to the next, so the cost is that of the distinct values, not of the cells.
 */
export async function readMatrixValues(
  tx: Tx,
  orgId: string,
  simulated: boolean,
  alsoIds: readonly string[],
): Promise<MatrixValueRow[]> {
  const only = simulated ? Prisma.empty : Prisma.sql`and not simulated`;
  const used = (dimension: Dimension, column: Prisma.Sql) => Prisma.sql`
    ${Prisma.raw(`used_${dimension}`)} (id) as (
      (select ${column} from cell where org_id = ${orgId} ${only} order by ${column} limit 1)
      union all
      select (select ${column} from cell where org_id = ${orgId} and ${column} > u.id ${only} order by ${column} limit 1)
      from ${Prisma.raw(`used_${dimension}`)} u where u.id is not null
    )`;
  const part = (dimension: Dimension, columns: string) => Prisma.sql`
    select jsonb_build_object('dimension', ${dimension}::text, 'id', t.id, 'used', u.id is not null, ${Prisma.raw(columns)}) as value
    from ${Prisma.raw(dimension)} t left join ${Prisma.raw(`used_${dimension}`)} u on u.id = t.id
    where t.org_id = ${orgId} and (u.id is not null or t.id = any(${[...alsoIds]}::text[]))`;
  const rows = await tx.$queryRaw<{ value: unknown }[]>(Prisma.sql`
    with recursive
    ${used("sku", Prisma.sql`sku_id`)}, ${used("model", Prisma.sql`model_id`)}, ${used("quant", Prisma.sql`quant_id`)},
    ${used("engine", Prisma.sql`engine_id`)}, ${used("workload", Prisma.sql`workload_id`)},
    ${used("backend", Prisma.sql`backend`)}
    ${part("sku", "'name', t.name")}
    union all
    ${part("model", "'name', t.name, 'family', t.family, 'parameterCount', t.parameter_count, 'weights', t.weights, 'revision', t.revision")}
    union all
    ${part("quant", "'name', t.name, 'bitsPerWeight', t.bits_per_weight, 'weights', t.weights")}
    union all
    ${part("engine", "'name', t.name, 'version', t.version, 'build', t.build, 'program', t.program")}
    union all
    ${part(
      "workload",
      `'name', t.name, 'kind', t.kind, 'digest', t.digest, 'promptTokens', t.spec->'promptTokens',
       'generatedTokens', t.spec->'generatedTokens', 'depthTokens', coalesce(t.spec->'depthTokens', '0')`,
    )}
    union all
    select jsonb_build_object('dimension', 'backend', 'id', b.id, 'used', u.id is not null)
    from unnest(${Backend.options as string[]}::text[]) as b(id) left join used_backend u on u.id = b.id`);
  return ValueRow.array().parse(rows.map((row) => row.value));
}

/** The comparison keys of some cells, by cell key. */
export async function readComparisonKeys(
  tx: Tx,
  keys: readonly string[],
): Promise<Map<string, ComparisonKey>> {
  const rows = await tx.cell.findMany({
    where: { key: { in: [...keys] } },
    select: { key: true, keyFields: true },
  });
  return new Map(rows.map((row) => [row.key, ComparisonKey.parse(row.keyFields)]));
}
