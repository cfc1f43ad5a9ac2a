import type {
  Attempt,
  AttemptEndReason,
  AttemptPhase,
  Backend,
  DeviceAvailability,
  DeviceEngine,
  Failure,
  MachineFacts,
  RunOutcome,
  RunState,
} from "@benchfarm/contracts";
import { Prisma, type SqlTx } from "../platform/database/database.js";

/** Stands where an agent's version would, in results that the farm itself wrote for an attempt that never brought one. */
export const FARM_VERSION = "farm";

/** An attempt with its device and run, all three locked in this order. */
export interface LockedAttempt {
  id: string;
  orgId: string;
  agentId: string;
  number: number;
  phase: AttemptPhase;
  endReason: AttemptEndReason | null;
  leaseEpoch: number;
  /** By the database's clock, after the lock was had. */
  leaseOver: boolean;
  deviceId: string;
  skuId: string;
  cooling: string;
  simulated: boolean;
  facts: MachineFacts;
  engines: DeviceEngine[];
  deviceName: string;
  agentVersion: string;
  runId: string;
  runState: RunState;
  quantId: string;
  workloadId: string;
  engine: string;
  engineVersion: string | null;
  backend: Backend;
  dispatchCount: number;
  chargedCount: number;
  maxAttempts: number;
  sweepId: string | null;
  matchKey: string;
}

/**
 * Locks an attempt, then its device, then its run: the order of every script but the claim (orchestration B12). Each step reads what
 * it locks through the step before, so the order cannot change with the plan. Null when there is no such attempt.
 */
export async function lockAttempt(tx: SqlTx, attemptId: string): Promise<LockedAttempt | null> {
  const rows = await tx.$queryRaw<LockedAttempt[]>(Prisma.sql`
    with t as materialized (select * from attempt where id = ${attemptId} for update),
    d as materialized (select * from device where id = (select device_id from t) for update),
    r as materialized (
      select * from run where id = (select run_id from t) and (select count(*) from d) = 1 for update)
    select t.id, t.org_id as "orgId", t.agent_id as "agentId", t.number, t.phase::text as phase, t.end_reason::text as "endReason",
      t.lease_epoch as "leaseEpoch", t.lease_until < clock_timestamp() as "leaseOver",
      d.id as "deviceId", d.sku_id as "skuId", d.cooling, d.simulated, d.facts, d.engines, d.name as "deviceName",
      a.agent_version as "agentVersion",
      r.id as "runId", r.state::text as "runState", r.quant_id as "quantId", r.workload_id as "workloadId", r.engine,
      r.engine_version as "engineVersion", r.backend, r.dispatch_count as "dispatchCount", r.charged_count as "chargedCount",
      r.max_attempts as "maxAttempts", r.sweep_id as "sweepId", r.match_key as "matchKey"
    from t, d, r, agent a where a.id = t.agent_id`);
  return rows[0] ?? null;
}

/** How an attempt ends and what becomes of its device and run. */
export interface AttemptFinish {
  attemptId: string;
  eventId: string;
  actor: string;
  endReason: AttemptEndReason;
  detail: string | null;
  failure: Failure | null;
  device: DeviceAvailability;
  charged: boolean;
  run:
    | { kind: "done"; outcome: RunOutcome; reason: string; resultId: string | null }
    | { kind: "queued"; delayMs: number; checkMs: number };
}

/**
 * Ends a locked live attempt: attempt, device, run, the one event and, for a sweep's run that is done, the task that looks whether
 * the sweep is. One statement.
 */
export async function finishAttempt(tx: SqlTx, finish: AttemptFinish): Promise<void> {
  const { run } = finish;
  const done = run.kind === "done" ? run : null;
  const queued = run.kind === "queued" ? run : null;
  const failure = finish.failure === null ? null : JSON.stringify(finish.failure);
  const detail = finish.detail?.slice(0, 4000) ?? null;
  await tx.$executeRaw(Prisma.sql`
    with ended as (
      update attempt set phase = 'ended', end_reason = ${finish.endReason}::attempt_end_reason, detail = ${detail},
        failure = ${failure}::jsonb, ended_at = clock_timestamp(), next_check_at = null
      where id = ${finish.attemptId} and phase <> 'ended'
      returning id, run_id, device_id, org_id),
    freed as (
      update device set availability = ${finish.device}::device_availability
      from ended where device.id = ended.device_id and device.availability = 'leased'),
    moved as (
      update run set state = ${run.kind}::run_state, outcome = ${done?.outcome ?? null}::run_outcome,
        reason = ${done?.reason.slice(0, 2000) ?? null}, result_id = coalesce(${done?.resultId ?? null}, run.result_id),
        charged_count = run.charged_count + ${finish.charged ? 1 : 0}::int,
        ended_at = ${done === null ? Prisma.sql`null` : Prisma.sql`clock_timestamp()`},
        not_before = ${queued === null ? Prisma.sql`run.not_before` : Prisma.sql`clock_timestamp() + ${queued.delayMs}::float8 * interval '1 millisecond'`},
        next_check_at = ${queued === null ? Prisma.sql`null` : Prisma.sql`clock_timestamp() + ${queued.checkMs}::float8 * interval '1 millisecond'`}
      from ended where run.id = ended.run_id
      returning run.id, run.org_id, run.sweep_id, run.state),
    settle as (
      insert into outbox (task, key, payload)
      select 'settle-sweep', sweep_id, jsonb_build_object('sweepId', sweep_id)
      from moved where state = 'done' and sweep_id is not null)
    insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
    select ${finish.eventId}, ended.org_id, ${done === null ? "run.requeued" : "run.done"}, 'run', ended.run_id, ${finish.actor},
      jsonb_strip_nulls(jsonb_build_object('attemptId', ended.id, 'deviceId', ended.device_id, 'endReason', ${finish.endReason}::text,
        'detail', ${detail}::text, 'outcome', ${done?.outcome ?? null}::text, 'reason', ${done?.reason.slice(0, 2000) ?? null}::text,
        'charged', ${finish.charged}::boolean, 'delayMs', ${queued?.delayMs ?? null}::float8))
    from ended, moved`);
}

/** A run's live attempt, not locked. */
export async function readLiveAttempt(
  tx: SqlTx,
  runId: string,
): Promise<{ id: string; phase: AttemptPhase } | null> {
  const rows = await tx.$queryRaw<{ id: string; phase: AttemptPhase }[]>(Prisma.sql`
    select id, phase::text as phase from attempt where run_id = ${runId} and phase <> 'ended'`);
  return rows[0] ?? null;
}

/** Whether a stored result is the farm's own note that an attempt brought none. */
export async function isFarmResult(tx: SqlTx, resultId: string): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>(Prisma.sql`
    select 1 from result where id = ${resultId} and agent_version = ${FARM_VERSION}`);
  return rows.length > 0;
}

/** An attempt in an agent's journal, as the farm has it. */
export interface JournalRow {
  attemptId: string;
  phase: AttemptPhase;
  leaseEpoch: number;
  runState: RunState;
  hasStoredResult: boolean;
}

/** All attempts that the agent holds by the farm's books, and those of `ids` that were ever its own. */
export async function readJournal(
  tx: SqlTx,
  agentId: string,
  ids: string[],
): Promise<JournalRow[]> {
  return tx.$queryRaw<JournalRow[]>(Prisma.sql`
    select t.id as "attemptId", t.phase::text as phase, t.lease_epoch as "leaseEpoch", r.state::text as "runState",
      exists (select 1 from result x where x.run_id = t.run_id and x.attempt_id = t.id and x.agent_version <> ${FARM_VERSION}) as "hasStoredResult"
    from attempt t join run r on r.id = t.run_id
    where t.agent_id = ${agentId} and (t.phase <> 'ended' or t.id = any(${ids}::text[]))
    order by t.id`);
}

type AttemptRow = Omit<Attempt, "offeredAt" | "acceptedAt" | "leaseUntil" | "endedAt"> & {
  offeredAt: Date;
  acceptedAt: Date | null;
  leaseUntil: Date;
  endedAt: Date | null;
};

/** A run's attempts, oldest first. */
export async function listAttempts(tx: SqlTx, orgId: string, runId: string): Promise<Attempt[]> {
  const rows = await tx.$queryRaw<AttemptRow[]>(Prisma.sql`
    select t.id, t.run_id as "runId", t.device_id as "deviceId", d.name as "deviceName", t.number, t.lease_epoch as "leaseEpoch",
      t.phase::text as phase, t.end_reason::text as "endReason", t.detail, t.failure, t.offered_at as "offeredAt",
      t.accepted_at as "acceptedAt", t.lease_until as "leaseUntil", t.ended_at as "endedAt"
    from attempt t join device d on d.id = t.device_id
    where t.org_id = ${orgId} and t.run_id = ${runId} order by t.number, t.id`);
  return rows.map((row) => ({
    ...row,
    offeredAt: row.offeredAt.toISOString(),
    acceptedAt: row.acceptedAt?.toISOString() ?? null,
    leaseUntil: row.leaseUntil.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
  }));
}
