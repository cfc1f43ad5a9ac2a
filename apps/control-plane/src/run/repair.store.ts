import { Prisma, type Tx } from "../platform/database/database.js";

const eventId = Prisma.sql`'evt_' || replace(gen_random_uuid()::text, '-', '')`;
const inMs = (ms: number) =>
  Prisma.sql`clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`;

/** Attempts of runs that have been `canceling` past their bound. A hint: checked again under the lock. */
export async function findOverdueCancels(tx: Tx): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>(Prisma.sql`
    select t.id from run r join attempt t on t.run_id = r.id and t.phase <> 'ended'
    where r.state = 'canceling' and r.next_check_at < clock_timestamp() order by r.next_check_at limit 100`);
  return rows.map((row) => row.id);
}

/** Active runs without a live attempt go back to the queue, canceling ones are done; at most 100. */
export async function requeueUnheldRuns(tx: Tx, checkMs: number): Promise<number> {
  const rows = await tx.$queryRaw<{ repaired: number }[]>(Prisma.sql`
    with unheld as (
      select r.id, r.state as was from run r
      where r.state in ('active', 'canceling')
        and not exists (select 1 from attempt t where t.run_id = r.id and t.phase <> 'ended')
      order by r.id limit 100 for update of r skip locked),
    moved as (
      update run r set
        state = case when unheld.was = 'canceling' or r.dispatch_count >= 10 then 'done' else 'queued' end::run_state,
        outcome = case when unheld.was = 'canceling' then 'canceled' when r.dispatch_count >= 10 then 'infra_error' end::run_outcome,
        reason = case when unheld.was = 'canceling' then 'canceled'
          when r.dispatch_count >= 10 then 'the farm lost its attempt' end,
        ended_at = case when unheld.was = 'canceling' or r.dispatch_count >= 10 then clock_timestamp() end,
        next_check_at = case when unheld.was = 'canceling' or r.dispatch_count >= 10 then null else ${inMs(checkMs)} end
      from unheld where r.id = unheld.id
        and not exists (select 1 from attempt t where t.run_id = r.id and t.phase <> 'ended')
      returning r.id, r.org_id, r.sweep_id, r.state, unheld.was),
    settle as (
      insert into outbox (task, key, payload)
      select 'settle-sweep', sweep_id, jsonb_build_object('sweepId', sweep_id)
      from moved where state = 'done' and sweep_id is not null),
    written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select ${eventId}, org_id, 'run.repaired', 'run', id, 'farm', jsonb_build_object('from', was::text, 'to', state::text)
      from moved returning 1)
    select count(*)::int as repaired from written`);
  return rows[0]?.repaired ?? 0;
}

/** Devices that are leased without a live attempt wait for their agent's word again. */
export async function freeUnheldDevices(tx: Tx): Promise<number> {
  const rows = await tx.$queryRaw<{ repaired: number }[]>(Prisma.sql`
    with unheld as (
      select d.id from device d
      where d.availability = 'leased' and not exists (select 1 from attempt t where t.device_id = d.id and t.phase <> 'ended')
      order by d.id limit 100 for update of d skip locked),
    freed as (
      update device d set availability = 'cleaning' from unheld
      where d.id = unheld.id and not exists (select 1 from attempt t where t.device_id = d.id and t.phase <> 'ended')
      returning d.id, d.org_id),
    written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select ${eventId}, org_id, 'device.availability_changed', 'device', id, 'farm',
        jsonb_build_object('from', 'leased', 'to', 'cleaning', 'reason', 'repaired: nobody held its lease')
      from freed returning 1)
    select count(*)::int as repaired from written`);
  return rows[0]?.repaired ?? 0;
}

/** Queued runs that have waited past their check are looked at again later; returns their match keys, to be told to polls. */
export async function postponeQueuedChecks(tx: Tx, checkMs: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ matchKey: string }[]>(Prisma.sql`
    with overdue as (
      select id from run where state = 'queued' and next_check_at < clock_timestamp()
      order by next_check_at limit 1000 for update skip locked),
    postponed as (
      update run set next_check_at = ${inMs(checkMs)} from overdue where run.id = overdue.id returning run.match_key)
    select distinct match_key as "matchKey" from postponed`);
  return rows.map((row) => row.matchKey);
}
