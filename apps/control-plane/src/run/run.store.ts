import type { Backend, RunOutcome, RunState } from "@benchfarm/contracts";
import { Prisma, type SqlTx, type Tx } from "../platform/database/database.js";

/** A run about to be stored. */
export interface NewRun {
  id: string;
  quantId: string;
  workloadId: string;
  engine: string;
  engineVersion: string | null;
  backend: Backend;
  deviceId: string | null;
  skuId: string | null;
  matchKey: string;
  vft: number;
  estimatedMs: number;
}

/** Stores queued runs with one event each, by one statement. */
export async function insertRuns(
  tx: Tx,
  runs: NewRun[],
  common: {
    orgId: string;
    sweepId: string | null;
    band: number;
    maxAttempts: number;
    checkMs: number;
    actor: string;
  },
): Promise<void> {
  await tx.$executeRaw(Prisma.sql`
    with added as (
      insert into run (id, org_id, sweep_id, state, quant_id, workload_id, engine, engine_version, backend, device_id, sku_id,
        match_key, band, vft, estimated_ms, max_attempts, next_check_at)
      select r."id", ${common.orgId}, ${common.sweepId}, 'queued', r."quantId", r."workloadId", r."engine", r."engineVersion",
        r."backend", r."deviceId", r."skuId", r."matchKey", ${common.band}::int, r."vft", r."estimatedMs",
        ${common.maxAttempts}::int, clock_timestamp() + ${common.checkMs}::float8 * interval '1 millisecond'
      from jsonb_to_recordset(${JSON.stringify(runs)}::jsonb) as r ("id" text, "quantId" text, "workloadId" text, "engine" text,
        "engineVersion" text, "backend" text, "deviceId" text, "skuId" text, "matchKey" text, "vft" float8, "estimatedMs" bigint)
      returning id, org_id, band, vft)
    insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
    select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'run.created', 'run', id, ${common.actor},
      jsonb_build_object('band', band, 'sweepId', ${common.sweepId}::text)
    from added order by vft`);
}

/** The org's newest virtual finish time and the pool's clock, the org's row locked: adding runs is one at a time per org. */
export async function lockShare(
  tx: Tx,
  orgId: string,
): Promise<{ lastVft: number; poolClock: number }> {
  const rows = await tx.$queryRaw<{ lastVft: number; poolClock: number }[]>(Prisma.sql`
    insert into org_share (org_id, last_vft) values (${orgId}, 0)
    on conflict (org_id) do update set last_vft = org_share.last_vft
    returning last_vft as "lastVft", extract(epoch from clock_timestamp())::float8 as "poolClock"`);
  const row = rows[0];
  if (row === undefined) throw new Error(`no share row came back for org ${orgId}`);
  return row;
}

export async function writeShare(tx: Tx, orgId: string, lastVft: number): Promise<void> {
  await tx.$executeRaw(
    Prisma.sql`update org_share set last_vft = ${lastVft} where org_id = ${orgId}`,
  );
}

/** Locks a run; null when the org has no such run. */
export async function lockRun(
  tx: Tx,
  orgId: string,
  runId: string,
): Promise<{ state: RunState } | null> {
  const rows = await tx.$queryRaw<{ state: RunState }[]>(Prisma.sql`
    select state::text as state from run where id = ${runId} and org_id = ${orgId} for update`);
  return rows[0] ?? null;
}

/** Marks a locked active run as canceling; the agent's next heartbeat is told to stop. */
export async function markCanceling(
  tx: Tx,
  cancel: { runId: string; orgId: string; actor: string; reason: string; boundMs: number },
): Promise<void> {
  await tx.$executeRaw(Prisma.sql`
    with marked as (
      update run set state = 'canceling', cancel_requested = true,
        next_check_at = clock_timestamp() + ${cancel.boundMs}::float8 * interval '1 millisecond'
      where id = ${cancel.runId} and state = 'active' returning id, org_id)
    insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
    select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'run.canceling', 'run', id, ${cancel.actor},
      jsonb_build_object('reason', ${cancel.reason}::text)
    from marked`);
}

/** Ends runs that wait, of a sweep or by id; those that are being worked on are left. Returns how many ended. */
export async function cancelWaitingRuns(
  tx: Tx,
  cancel: { orgId: string; runIds?: string[]; sweepId?: string; actor: string; reason: string },
): Promise<number> {
  const which =
    cancel.runIds === undefined
      ? Prisma.sql`sweep_id = ${cancel.sweepId}`
      : Prisma.sql`id = any(${cancel.runIds}::text[])`;
  const rows = await tx.$queryRaw<{ ended: number }[]>(Prisma.sql`
    with waiting as (
      select id from run where org_id = ${cancel.orgId} and ${which} and state in ('queued', 'blocked') order by id for update),
    ended as (
      update run set state = 'done', outcome = 'canceled', reason = ${cancel.reason}, cancel_requested = true,
        ended_at = clock_timestamp(), next_check_at = null
      from waiting where run.id = waiting.id returning run.id, run.org_id, run.sweep_id),
    settle as (
      insert into outbox (task, key, payload)
      select distinct 'settle-sweep', sweep_id, jsonb_build_object('sweepId', sweep_id) from ended where sweep_id is not null),
    written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'run.done', 'run', id, ${cancel.actor},
        jsonb_build_object('outcome', 'canceled', 'reason', ${cancel.reason}::text)
      from ended returning 1)
    select count(*)::int as ended from written`);
  return rows[0]?.ended ?? 0;
}

/** The runs of a sweep that somebody works on, in the order of their ids; not locked. */
export async function listActiveRuns(tx: Tx, orgId: string, sweepId: string): Promise<string[]> {
  const rows = await tx.run.findMany({
    where: { orgId, sweepId, state: "active" },
    select: { id: true },
    orderBy: { id: "asc" },
  });
  return rows.map((row) => row.id);
}

/** Ends a locked run that is not done by a result that came after its attempt had ended. */
export async function completeRunLate(
  tx: SqlTx,
  late: {
    runId: string;
    attemptId: string;
    actor: string;
    outcome: RunOutcome;
    reason: string;
    resultId: string;
  },
): Promise<void> {
  await tx.$executeRaw(Prisma.sql`
    with ended as (
      update run set state = 'done', outcome = ${late.outcome}::run_outcome, reason = ${late.reason.slice(0, 2000)},
        result_id = ${late.resultId}, ended_at = clock_timestamp(), next_check_at = null
      where id = ${late.runId} and state <> 'done' returning id, org_id, sweep_id),
    settle as (
      insert into outbox (task, key, payload)
      select 'settle-sweep', sweep_id, jsonb_build_object('sweepId', sweep_id) from ended where sweep_id is not null)
    insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
    select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'run.done', 'run', id, ${late.actor},
      jsonb_build_object('attemptId', ${late.attemptId}::text, 'outcome', ${late.outcome}::text, 'reason', ${late.reason.slice(0, 2000)}::text, 'late', true)
    from ended`);
}

/** How the runs of a sweep stand. Counts of states and of the outcomes of those done. */
export async function countRunsBySweep(
  tx: Tx,
  sweepIds: string[],
): Promise<{ sweepId: string; state: RunState; outcome: RunOutcome | null; count: number }[]> {
  return tx.$queryRaw(Prisma.sql`
    select sweep_id as "sweepId", state::text as state, outcome::text as outcome, count(*)::int as count
    from run where sweep_id = any(${sweepIds}::text[]) group by 1, 2, 3`);
}
