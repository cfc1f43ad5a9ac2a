import { BAND_RANK, type Band, type Run } from "@benchfarm/contracts";
import { Prisma, type Tx } from "../platform/database/database.js";
import { decodeCursor, pageFrom, type Page, type PageRequest } from "../platform/page.js";

type RunRow = Omit<Run, "band" | "createdAt" | "startedAt" | "endedAt"> & {
  band: number;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  matchKey: string;
};

const BANDS = Object.fromEntries(
  Object.entries(BAND_RANK).map(([band, rank]) => [rank, band as Band]),
);

const select = Prisma.sql`
  select r.id, r.sweep_id as "sweepId", r.state::text as state, r.blocked_reason as "blockedReason", r.outcome::text as outcome,
    coalesce(r.reason, t.waiting_for) as reason, r.band, r.dispatch_count as "dispatchCount", r.charged_count as "chargedCount", r.max_attempts as "maxAttempts",
    r.quant_id as "quantId", r.workload_id as "workloadId", r.engine, r.engine_version as "engineVersion", r.backend,
    r.device_id as "deviceId", r.sku_id as "skuId", m.name as "modelName", q.name as "quantName", w.name as "workloadName",
    coalesce(d.name, t.device_name) as "deviceName", t.live_phase as phase, r.result_id as "resultId", r.rerun_of as "rerunOf",
    r.match_key as "matchKey", r.created_at as "createdAt", r.started_at as "startedAt", r.ended_at as "endedAt"
  from run r join quant q on q.id = r.quant_id join model m on m.id = q.model_id join workload w on w.id = r.workload_id
  left join device d on d.id = r.device_id
  left join lateral (
    select x.name as device_name, nullif(a.phase, 'ended')::text as live_phase,
      case when a.phase <> 'ended' then a.progress->>'waitingFor' end as waiting_for
    from attempt a join device x on x.id = a.device_id
    where a.run_id = r.id order by a.number desc, a.id desc limit 1) t on true`;

function toRun({ matchKey: _, ...row }: RunRow): Run {
  return {
    ...row,
    band: BANDS[row.band] ?? "backfill",
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
  };
}

/** One run of an org with its match key, or null. */
export async function findRun(
  tx: Tx,
  orgId: string,
  id: string,
): Promise<{ run: Run; matchKey: string } | null> {
  const rows = await tx.$queryRaw<RunRow[]>(
    Prisma.sql`${select} where r.org_id = ${orgId} and r.id = ${id}`,
  );
  const row = rows[0];
  return row === undefined ? null : { run: toRun(row), matchKey: row.matchKey };
}

export interface RunFilter extends PageRequest {
  sweep?: string | undefined;
  device?: string | undefined;
  state?: Run["state"] | undefined;
  outcome?: NonNullable<Run["outcome"]> | undefined;
}

/** An org's runs, newest first. `device` finds runs that were asked for on it or tried on it. */
export async function listRuns(tx: Tx, orgId: string, filter: RunFilter): Promise<Page<Run>> {
  const conditions = [
    Prisma.sql`r.org_id = ${orgId}`,
    ...(filter.cursor === undefined ? [] : [Prisma.sql`r.id < ${decodeCursor(filter.cursor)}`]),
    ...(filter.sweep === undefined ? [] : [Prisma.sql`r.sweep_id = ${filter.sweep}`]),
    ...(filter.state === undefined ? [] : [Prisma.sql`r.state = ${filter.state}::run_state`]),
    ...(filter.outcome === undefined
      ? []
      : [Prisma.sql`r.outcome = ${filter.outcome}::run_outcome`]),
    ...(filter.device === undefined
      ? []
      : [
          Prisma.sql`(r.device_id = ${filter.device}
            or exists (select 1 from attempt a where a.run_id = r.id and a.device_id = ${filter.device}))`,
        ]),
  ];
  const rows = await tx.$queryRaw<RunRow[]>(Prisma.sql`
    ${select} where ${Prisma.join(conditions, " and ")} order by r.id desc limit ${filter.limit + 1}`);
  return pageFrom(rows, filter.limit, (row) => row.id, toRun);
}

/** How many queued runs a claim would look at before this one, among those with its match key. */
export async function countAhead(tx: Tx, id: string): Promise<number> {
  const rows = await tx.$queryRaw<{ ahead: number }[]>(Prisma.sql`
    select count(*)::int as ahead from run r join run mine on mine.id = ${id}
    where r.state = 'queued' and r.match_key = mine.match_key and (r.band, r.vft, r.id) < (mine.band, mine.vft, mine.id)`);
  return rows[0]?.ahead ?? 0;
}

/** When a run may be offered again, if that is in the future. */
export async function readNotBefore(tx: Tx, id: string): Promise<Date | null> {
  const rows = await tx.$queryRaw<{ notBefore: Date }[]>(Prisma.sql`
    select not_before as "notBefore" from run where id = ${id} and not_before > clock_timestamp()`);
  return rows[0]?.notBefore ?? null;
}
