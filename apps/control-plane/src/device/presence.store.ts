import type { Conditions, DeviceAvailability } from "@benchfarm/contracts";
import { Prisma, type SqlTx } from "../platform/database/database.js";

export interface ReportedPresence {
  deviceId: string;
  availability: DeviceAvailability;
  conditions: Conditions | null;
  freeDiskBytes: number | null;
}

export interface PresenceOutcome {
  /** False: the session is not the agent's one session, and nothing was written. */
  sessionLive: boolean;
  /** Devices whose availability changed. */
  changed: number;
}

/**
 * Writes what an agent says of its devices: a changed availability with its event at once, mere being seen at most every
 * `seenIntervalMs`. The twin of `availabilityAfterReport`: a lease is begun and ended by the farm alone. One statement.
 */
export async function writePresence(
  tx: SqlTx,
  report: {
    agentId: string;
    sessionId: string;
    devices: ReportedPresence[];
    seenIntervalMs: number;
    leaseMs: number;
  },
): Promise<PresenceOutcome> {
  const interval = Prisma.sql`${report.seenIntervalMs}::float8 * interval '1 millisecond'`;
  const rows = await tx.$queryRaw<PresenceOutcome[]>(Prisma.sql`
    with session as (
      select id, org_id from agent where id = ${report.agentId} and session_id = ${report.sessionId} and revoked_at is null),
    seen as (
      update agent set last_seen_at = clock_timestamp() from session
      where agent.id = session.id
        and (agent.last_seen_at is null or agent.last_seen_at < clock_timestamp() - ${interval})
      returning 1),
    reported as (
      select * from jsonb_to_recordset(${JSON.stringify(report.devices)}::jsonb)
        as r ("deviceId" text, "availability" text, "conditions" jsonb, "freeDiskBytes" float8)),
    due as (
      select d.id, d.availability as was,
        case when d.availability = 'leased' or r."availability" = 'leased' then d.availability
          else r."availability"::device_availability end as becomes,
        r."conditions" as conditions, r."freeDiskBytes" as free_disk_bytes
      from device d join reported r on r."deviceId" = d.id join session on d.agent_id = session.id
      where d.last_seen_at is null or d.last_seen_at < clock_timestamp() - ${interval}
        or (r."availability" <> d.availability::text and d.availability <> 'leased' and r."availability" <> 'leased')
      order by d.id for update of d),
    written as (
      update device d set availability = due.becomes, last_seen_at = clock_timestamp(),
        next_check_at = clock_timestamp() + ${report.leaseMs}::float8 * interval '1 millisecond',
        conditions = coalesce(nullif(due.conditions, 'null'::jsonb), d.conditions),
        free_disk_bytes = coalesce(due.free_disk_bytes::bigint, d.free_disk_bytes)
      from due where d.id = due.id
      returning d.id, d.org_id, due.was, d.availability as became),
    event_written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'device.availability_changed', 'device', id,
        ${report.agentId}, jsonb_build_object('from', was::text, 'to', became::text)
      from written where was <> became returning 1)
    select exists (select 1 from session) as "sessionLive", (select count(*)::int from event_written) as changed`);
  return rows[0] ?? { sessionLive: false, changed: 0 };
}

/**
 * Devices whose agent has not been seen for the lease time are unreachable; those with a live attempt stay leased, because the
 * attempt's own lease decides about them. Returns how many changed.
 */
export async function markSilentDevices(tx: SqlTx, silentMs: number): Promise<number> {
  const rows = await tx.$queryRaw<{ changed: number }[]>(Prisma.sql`
    with silent as (
      select d.id, d.availability as was from device d join agent a on a.id = d.agent_id
      where d.availability not in ('unreachable', 'leased')
        and (a.last_seen_at is null or a.last_seen_at < clock_timestamp() - ${silentMs}::float8 * interval '1 millisecond')
      order by d.id limit 1000 for update of d skip locked),
    written as (
      update device d set availability = 'unreachable', next_check_at = null from silent where d.id = silent.id
      returning d.id, d.org_id, silent.was),
    event_written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
      select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'device.availability_changed', 'device', id, 'farm',
        jsonb_build_object('from', was::text, 'to', 'unreachable', 'reason', 'its agent was not heard of')
      from written returning 1)
    select count(*)::int as changed from event_written`);
  return rows[0]?.changed ?? 0;
}
