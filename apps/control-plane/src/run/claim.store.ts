import type { Backend, QuantSource, WorkloadSpec } from "@benchfarm/contracts";
import type { IneligibleCode } from "../device/device.rules.js";
import { ineligibleSql } from "../device/device.store.js";
import { Prisma, type SqlTx, type Tx } from "../platform/database/database.js";
import { insertTimerSql, type TimerEntry } from "./timer.store.js";

/** An offer as it stands: all that an assignment is made of. */
export interface OfferRow {
  attemptId: string;
  runId: string;
  deviceId: string;
  localId: string;
  epoch: number;
  claimId: string;
  offerUntil: Date;
  engine: string;
  engineVersion: string | null;
  backend: Backend;
  spec: WorkloadSpec;
  sha256: string;
  sizeBytes: bigint;
  modelName: string;
  quantName: string;
  source: QuantSource;
}

const offerColumns = Prisma.sql`o.id as "attemptId", t.id as "runId", l.id as "deviceId", l.local_id as "localId",
  o.lease_epoch as epoch, o.claim_id as "claimId", o.lease_until as "offerUntil", t.engine, t.engine_version as "engineVersion",
  t.backend, w.spec, q.sha256, q.size_bytes as "sizeBytes", m.name as "modelName", q.name as "quantName", q.source`;

const offerDetails = Prisma.sql`
  left join quant q on q.id = t.quant_id left join model m on m.id = q.model_id left join workload w on w.id = t.workload_id`;

export interface ClaimInput {
  agentId: string;
  sessionId: string;
  claimId: string;
  attemptId: string;
  eventId: string;
  /** Devices of which the agent says, in this very call, that they are ready. */
  deviceIds: string[];
  offerMs: number;
  leaseMs: number;
  timer: TimerEntry | null;
}

/**
 * `contended`: there was work, but others held the rows for a moment; try again at once. `nothing`: no work for these devices, or
 * (`eligible` false) none of them may be offered any now.
 */
export type ClaimOutcome =
  | { kind: "offer"; offer: OfferRow }
  | { kind: "contended" }
  | { kind: "nothing"; eligible: boolean };

/**
 * One conditional statement (orchestration B6): the most urgent queued run that one of the devices may serve becomes active, with an
 * offered attempt, the device leased under a higher epoch, and one event; all or none of it. Locks device, then run, and waits for
 * neither. For each match key of the devices only the head of run_claim_order is looked at; only the chosen key's head is locked.
 */
export async function claimRun(tx: SqlTx, claim: ClaimInput): Promise<ClaimOutcome> {
  const saidReady = Prisma.sql`case when d.availability = 'leased' then 'leased' else 'ready' end`;
  const offerUntil = Prisma.sql`clock_timestamp() + ${claim.offerMs}::float8 * interval '1 millisecond'`;
  const rows = await tx.$queryRaw<
    (Partial<OfferRow> & { attemptId: string | null; foundWork: boolean; eligible: boolean })[]
  >(Prisma.sql`
    with free as (
      select d.id from device d join agent a on a.id = d.agent_id
      where d.id = any(${claim.deviceIds}::text[]) and d.agent_id = ${claim.agentId}
        and a.session_id = ${claim.sessionId} and ${ineligibleSql(claim.leaseMs, saidReady)} is null
        and not exists (select 1 from attempt where claim_id = ${claim.claimId})
      for update of d skip locked),
    best as (
      select free.id as device_id, match.match_key
      from free join device_match match on match.device_id = free.id
      cross join lateral (
        select r.band, r.vft, r.id from run r
        where r.state = 'queued' and r.match_key = match.match_key and r.not_before <= now()
        order by r.band, r.vft, r.id limit 1) head
      order by head.band, head.vft, head.id limit 1),
    picked as (
      select r.id from run r
      where r.state = 'queued' and r.match_key = (select match_key from best) and r.not_before <= now()
      order by r.band, r.vft, r.id limit 1 for update skip locked),
    taken as (
      update run set state = 'active', dispatch_count = run.dispatch_count + 1,
        started_at = coalesce(run.started_at, clock_timestamp()), next_check_at = ${offerUntil}
      from picked where run.id = picked.id returning run.*),
    leased as (
      update device set availability = 'leased', lease_epoch = device.lease_epoch + 1
      from best, taken where device.id = best.device_id
      returning device.id, device.local_id, device.lease_epoch),
    offered as (
      insert into attempt (id, org_id, run_id, device_id, agent_id, number, claim_id, lease_epoch, phase, lease_until, next_check_at)
      select ${claim.attemptId}, taken.org_id, taken.id, leased.id, ${claim.agentId}, taken.dispatch_count, ${claim.claimId},
        leased.lease_epoch, 'offered', ${offerUntil}, ${offerUntil}
      from taken, leased returning *),
    written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select ${claim.eventId}, org_id, 'run.offered', 'run', run_id, ${claim.agentId},
        jsonb_build_object('attemptId', id, 'deviceId', device_id, 'epoch', lease_epoch, 'number', number)
      from offered),
    timer as (${insertTimerSql(claim.timer, Prisma.sql`from offered`)})
    select exists (select 1 from best) as "foundWork", exists (select 1 from free) as eligible, ${offerColumns}
    from (select 1) as one left join offered o on true left join taken t on true left join leased l on true ${offerDetails}`);
  const row = rows[0];
  if (row === undefined || !row.foundWork) {
    return { kind: "nothing", eligible: row?.eligible ?? false };
  }
  return row.attemptId === null ? { kind: "contended" } : { kind: "offer", offer: row as OfferRow };
}

/** The offer that this claim got before, while it stands; `spent` when the claim got one that stands no more. */
export async function readClaim(
  tx: SqlTx,
  agentId: string,
  claimId: string,
): Promise<{ kind: "offer"; offer: OfferRow } | { kind: "spent" } | { kind: "none" }> {
  const rows = await tx.$queryRaw<(OfferRow & { phase: string })[]>(Prisma.sql`
    select o.phase::text as phase, ${offerColumns}
    from attempt o join run t on t.id = o.run_id join device l on l.id = o.device_id ${offerDetails}
    where o.claim_id = ${claimId} and o.agent_id = ${agentId}`);
  const row = rows[0];
  if (row === undefined) return { kind: "none" };
  return row.phase === "offered" ? { kind: "offer", offer: row } : { kind: "spent" };
}

/** The devices that meet a match key. */
export async function readMatchingDevices(tx: Tx, matchKey: string): Promise<string[]> {
  const rows = await tx.deviceMatch.findMany({ where: { matchKey }, select: { deviceId: true } });
  return rows.map((row) => row.deviceId);
}

/** Why each of these devices of an agent may not be offered anything although its agent calls it ready; null for those that may. */
export async function readRefusals(
  tx: SqlTx,
  agentId: string,
  deviceIds: string[],
  leaseMs: number,
): Promise<{ name: string; refusal: IneligibleCode | null }[]> {
  const saidReady = Prisma.sql`case when d.availability = 'leased' then 'leased' else 'ready' end`;
  return tx.$queryRaw(Prisma.sql`
    select d.name, ${ineligibleSql(leaseMs, saidReady)} as refusal
    from device d join agent a on a.id = d.agent_id
    where d.agent_id = ${agentId} and d.id = any(${deviceIds}::text[]) order by d.id`);
}
