import type { AttemptEndReason, AttemptPhase, RunState } from "@benchfarm/contracts";
import { Prisma, type SqlTx } from "../platform/database/database.js";
import { insertTimerSql, type TimerEntry } from "./timer.store.js";

export interface AcceptInput {
  attemptId: string;
  agentId: string;
  epoch: number;
  claimId: string;
  eventId: string;
  leaseMs: number;
  timer: TimerEntry | null;
}

/** An attempt as an agent's accept found it; `leaseUntil` as it is after it. */
export interface AcceptRow {
  phase: AttemptPhase;
  endReason: AttemptEndReason | null;
  epoch: number;
  claimId: string;
  leaseUntil: Date;
  accepted: boolean;
}

/** Makes an offered attempt accepted under a full lease, if epoch and claim fit. One statement; null for an attempt not this agent's. */
export async function acceptAttempt(tx: SqlTx, accept: AcceptInput): Promise<AcceptRow | null> {
  const leaseUntil = Prisma.sql`clock_timestamp() + ${accept.leaseMs}::float8 * interval '1 millisecond'`;
  const rows = await tx.$queryRaw<AcceptRow[]>(Prisma.sql`
    with held as (
      select * from attempt where id = ${accept.attemptId} and agent_id = ${accept.agentId} for update),
    accepted as (
      update attempt set phase = 'accepted', accepted_at = clock_timestamp(), lease_until = ${leaseUntil}, next_check_at = ${leaseUntil}
      from held where attempt.id = held.id and held.phase = 'offered' and held.lease_epoch = ${accept.epoch}::int
        and held.claim_id = ${accept.claimId}
      returning attempt.*),
    written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select ${accept.eventId}, org_id, 'run.accepted', 'run', run_id, ${accept.agentId},
        jsonb_build_object('attemptId', id, 'deviceId', device_id) from accepted),
    timer as (${insertTimerSql(accept.timer, Prisma.sql`from accepted`)})
    select held.phase::text as phase, held.end_reason::text as "endReason", held.lease_epoch as epoch, held.claim_id as "claimId",
      coalesce(accepted.lease_until, held.lease_until) as "leaseUntil", accepted.id is not null as accepted
    from held left join accepted on true`);
  return rows[0] ?? null;
}

/** What a heartbeat says of one attempt. */
export interface HeartbeatItem {
  attemptId: string;
  epoch: number;
  phase: AttemptPhase;
  quietMs: number;
  progress: { repetition: number; repetitions: number; waitingFor: string | null } | null;
}

export interface RenewedRow {
  attemptId: string;
  held: boolean;
  leaseUntil: Date | null;
  runState: RunState | null;
  phase: AttemptPhase | null;
  endReason: AttemptEndReason | null;
}

/**
 * Renews the leases of all these attempts that the agent holds under the epoch it says, moves their phases forward with one event
 * each, and tells of every item how it stands. A lease past its time that nobody has ended yet is renewed: the heartbeat has won.
 * One statement; attempts are locked in the order of their ids.
 */
export async function renewLeases(
  tx: SqlTx,
  renewal: {
    agentId: string;
    items: HeartbeatItem[];
    leaseMs: number;
    maxQuietMs: number;
    timer: TimerEntry | null;
  },
): Promise<RenewedRow[]> {
  return tx.$queryRaw<RenewedRow[]>(Prisma.sql`
    with reported as (
      select * from jsonb_to_recordset(${JSON.stringify(renewal.items)}::jsonb)
        as r ("attemptId" text, "epoch" int, "phase" text, "quietMs" float8, "progress" jsonb)),
    held as (
      select t.id, t.phase as was, r."phase"::attempt_phase as reported_phase, nullif(r."progress", 'null'::jsonb) as new_progress,
        clock_timestamp() + (${renewal.leaseMs}::float8 + least(r."quietMs", ${renewal.maxQuietMs}::float8))
          * interval '1 millisecond' as until
      from attempt t join reported r on r."attemptId" = t.id and r."epoch" = t.lease_epoch
      where t.agent_id = ${renewal.agentId} and t.phase not in ('offered', 'ended')
      order by t.id for update of t),
    renewed as (
      update attempt t set
        lease_until = greatest(t.lease_until, held.until), next_check_at = greatest(t.lease_until, held.until),
        phase = case when held.reported_phase = 'ended' then t.phase else greatest(t.phase, held.reported_phase) end,
        progress = coalesce(held.new_progress, t.progress),
        measuring_at = coalesce(t.measuring_at, case when held.reported_phase = 'measuring' then clock_timestamp() end)
      from held where t.id = held.id
      returning t.id, t.org_id, t.run_id, t.device_id, held.was, t.phase as became, t.lease_until),
    written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'run.phase_changed', 'run', run_id, ${renewal.agentId},
        jsonb_build_object('attemptId', id, 'from', was::text, 'to', became::text)
      from renewed where was <> became),
    timer as (${insertTimerSql(renewal.timer, Prisma.sql`from renewed`)})
    select r."attemptId", renewed.id is not null as held, renewed.lease_until as "leaseUntil", run.state::text as "runState",
      t.phase::text as phase, t.end_reason::text as "endReason"
    from reported r left join renewed on renewed.id = r."attemptId"
    left join attempt t on t.id = r."attemptId" and t.agent_id = ${renewal.agentId}
    left join run on run.id = t.run_id`);
}

/** Live attempts whose lease is over, oldest first. A hint: whoever ends one checks again under its lock. */
export async function findExpired(tx: SqlTx, limit: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>(Prisma.sql`
    select id from attempt where phase <> 'ended' and lease_until < clock_timestamp() order by lease_until limit ${limit}`);
  return rows.map((row) => row.id);
}
