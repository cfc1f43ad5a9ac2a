import { Failure, MetricId } from "@benchfarm/contracts";
import { z } from "zod";
import { Prisma, type Tx } from "../platform/database/database.js";
import type { CellFold, CellFoldInput } from "./cell.rules.js";

/**
 * Makes this transaction the only one that folds these cells until it ends. Reads that follow must be statements of their own (READ
 * COMMITTED), so that they see what another fold committed while this one waited.
 */
export async function lockCells(tx: Tx, keys: readonly string[]): Promise<void> {
  await tx.$executeRaw(Prisma.sql`
    select pg_advisory_xact_lock(hashtextextended(key, 0))
    from (select key from unnest(${[...keys]}::text[]) as key order by key) as ordered`);
}

const counted = z.object({ results: z.number(), devices: z.number() });
const FoldRow = z.object({
  cell_key: z.string(),
  newest_id: z.string(),
  measured: counted,
  held: counted,
  failed: counted,
  newest_failure: z
    .object({ failure: Failure.nullable(), validityReasons: z.array(z.string()) })
    .nullable(),
  metrics: z
    .array(
      z.object({
        metric: MetricId,
        medians: z.array(z.number()),
        n: z.number(),
        mean: z.number(),
        stddev: z.number().nullable(),
        min: z.number(),
        max: z.number(),
        low: z.number().nullable(),
        high: z.number().nullable(),
      }),
    )
    .nullable(),
});

/** The results of one cell, aggregated; `newestId` is the one that speaks for what all have in common. */
export interface CellEvidence {
  key: string;
  newestId: string;
  input: CellFoldInput;
}

/**
 * Reads what counts for these cells, never a sample, and takes away the marks of what it has read: both are one statement, so a mark
 * goes exactly when its result was seen. Cells without any result are absent from the answer.
 */
export async function takeEvidence(tx: Tx, keys: readonly string[]): Promise<CellEvidence[]> {
  const rows = await tx.$queryRaw<unknown[]>(Prisma.sql`
    with gone as (delete from cell_stale where cell_key = any(${[...keys]}::text[])),
    counted as materialized (
      select cell_key, id, device_id, failure, validity_reasons, created_at,
             case when status = 'failed' or validity = 'invalid' then 'failed'
                  when validity = 'held' then 'held' else 'measured' end as standing
      from result
      where cell_key = any(${[...keys]}::text[]) and (canonical or (not fenced and validity = 'invalid'))
    ),
    metric_fold as (
      select c.cell_key, m.metric, jsonb_agg(m.median order by c.id) as medians, sum(m.n)::int as n,
             min(m.mean) as mean, min(m.stddev) as stddev, min(m.min) as min, max(m.max) as max,
             min(m.low) as low, max(m.high) as high
      from counted c join result_metric m on m.result_id = c.id
      where c.standing = 'measured'
      group by c.cell_key, m.metric
    ),
    metrics as (
      select cell_key, jsonb_agg(to_jsonb(metric_fold) - 'cell_key') as metrics from metric_fold group by cell_key
    ),
    summary as (
      select cell_key,
        (array_agg(id order by created_at desc, id desc))[1] as newest_id,
        ${standing("measured")} as measured, ${standing("held")} as held, ${standing("failed")} as failed,
        (array_agg(jsonb_build_object('failure', failure, 'validityReasons', validity_reasons)
                   order by created_at desc, id desc) filter (where standing = 'failed'))[1] as newest_failure
      from counted group by cell_key
    )
    select summary.*, metrics.metrics from summary left join metrics using (cell_key)`);
  return FoldRow.array()
    .parse(rows)
    .map((row) => ({
      key: row.cell_key,
      newestId: row.newest_id,
      input: {
        measured: row.measured,
        held: row.held,
        failed: row.failed,
        newestFailure: row.newest_failure,
        metrics: row.metrics ?? [],
      },
    }));
}

function standing(name: string): Prisma.Sql {
  return Prisma.sql`jsonb_build_object(
    'results', count(*) filter (where standing = ${name}),
    'devices', count(distinct device_id) filter (where standing = ${name}))`;
}

/**
 * Makes the stored cells of `keys` equal to `folds`: one statement that writes cells and metrics, deletes what no fold tells any more,
 * and raises the orgs' versions.
 */
export async function writeCells(
  tx: Tx,
  keys: readonly string[],
  folds: readonly (CellFold & { key: string; newestId: string })[],
): Promise<void> {
  const cells = folds.map(({ metrics: _, ...fold }) => fold);
  const metrics = folds.flatMap((fold) => fold.metrics.map((m) => ({ ...m, cellKey: fold.key })));
  await tx.$executeRaw(Prisma.sql`
    with fold as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(cells)}::jsonb) as f(
        "key" text, "newestId" text, "status" text, "failure" jsonb, "heldCount" int, "resultCount" int,
        "sampleCount" int, "deviceCount" int)
    ),
    summary as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(metrics)}::jsonb) as s(
        "cellKey" text, "metric" text, "n" int, "median" float8, "mean" float8, "stddev" float8,
        "min" float8, "max" float8, "low" float8, "high" float8)
    ),
    written as (
      insert into cell (key, org_id, key_fields, sku_id, model_id, quant_id, engine_id, backend, workload_id, simulated,
                        status, failure, held_count, result_count, sample_count, device_count, context_digest, updated_at)
      select f."key", r.org_id, r.key_fields, r.sku_id, q.model_id, r.quant_id, r.engine_id, r.key_fields->>'backend',
             r.workload_id, r.simulated, f."status", nullif(f."failure", 'null'::jsonb), f."heldCount", f."resultCount",
             f."sampleCount", f."deviceCount",
             md5(jsonb_build_array(r.key_fields->'cooling', r.key_fields->'powerProfile', r.key_fields->'settings')::text),
             clock_timestamp()
      from fold f join result r on r.id = f."newestId" join quant q on q.id = r.quant_id
      on conflict (key) do update set
        status = excluded.status, failure = excluded.failure, held_count = excluded.held_count,
        result_count = excluded.result_count, sample_count = excluded.sample_count,
        device_count = excluded.device_count, context_digest = excluded.context_digest, updated_at = excluded.updated_at
      returning org_id
    ),
    summarised as (
      insert into cell_metric (cell_key, metric, n, median, mean, stddev, min, max, low, high)
      select "cellKey", "metric", "n", "median", "mean", "stddev", "min", "max", "low", "high" from summary
      on conflict (cell_key, metric) do update set
        n = excluded.n, median = excluded.median, mean = excluded.mean, stddev = excluded.stddev,
        min = excluded.min, max = excluded.max, low = excluded.low, high = excluded.high
    ),
    unmeasured as (
      delete from cell_metric m where m.cell_key in (select "key" from fold)
        and not exists (select 1 from summary s where s."cellKey" = m.cell_key and s."metric" = m.metric)
    ),
    gone as (
      delete from cell where key = any(${[...keys]}::text[]) and key not in (select "key" from fold)
      returning org_id
    )
    insert into cell_version (org_id, version)
    select org_id, 1 from written union select org_id, 1 from gone
    on conflict (org_id) do update set version = cell_version.version + 1`);
}

/** Keys that results or cells have, in order, after `after`; for a rebuild in batches. */
export async function nextCellKeys(tx: Tx, after: string, limit: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ key: string }[]>(Prisma.sql`
    select key from (
      (select distinct cell_key as key from result where cell_key > ${after} order by 1 limit ${limit})
      union
      (select key from cell where key > ${after} order by 1 limit ${limit})
    ) as keys order by key limit ${limit}`);
  return rows.map((row) => row.key);
}

/** Cells with marks older than `olderThanMs`: their hint was lost, or is late. */
export async function staleCellKeys(tx: Tx, olderThanMs: number, limit: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ key: string }[]>(Prisma.sql`
    select distinct cell_key as key from cell_stale
    where created_at < now() - ${olderThanMs}::float8 * interval '1 millisecond' limit ${limit}`);
  return rows.map((row) => row.key);
}
