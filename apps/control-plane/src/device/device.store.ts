import type { Device, DeviceAvailability, DeviceEngine, MachineFacts } from "@benchfarm/contracts";
import { Prisma, type Tx } from "../platform/database/database.js";
import { decodeCursor, pageFrom, type Page, type PageRequest } from "../platform/page.js";
import { INELIGIBLE, OLDEST_PROTOCOL_VERSION, type IneligibleCode } from "./device.rules.js";

/**
 * The SQL twin of `ineligibleCode` (device.rules.ts) over the aliases d (device) and a (its agent): the first reason's code, null
 * when eligible. `availability` may stand in for the column where an agent has just said that a device is ready.
 */
export function ineligibleSql(
  leaseMs: number,
  availability: Prisma.Sql = Prisma.sql`d.availability::text`,
): Prisma.Sql {
  return Prisma.sql`case
    when d.lifecycle <> 'active' then d.lifecycle::text
    when d.quarantine <> 'none' then 'quarantined'
    when d.health <> 'good' then 'health_' || d.health::text
    when a.revoked_at is not null then 'agent_revoked'
    when a.protocol_version < ${OLDEST_PROTOCOL_VERSION} then 'agent_outdated'
    when a.session_id is null or a.last_seen_at is null
      or a.last_seen_at < clock_timestamp() - ${leaseMs}::float8 * interval '1 millisecond' then 'agent_offline'
    else nullif(${availability}, 'ready') end`;
}

interface DeviceRow {
  id: string;
  orgId: string;
  agentId: string;
  name: string;
  skuId: string;
  skuName: string;
  lifecycle: Device["lifecycle"];
  quarantine: Device["quarantine"];
  quarantineReason: string | null;
  health: Device["health"];
  availability: DeviceAvailability;
  simulated: boolean;
  cooling: string;
  tags: string[];
  facts: MachineFacts;
  engines: DeviceEngine[];
  ineligible: IneligibleCode | null;
  currentRunId: string | null;
  lastSeenAt: Date | null;
  createdAt: Date;
}

const select = (leaseMs: number) => Prisma.sql`
  select d.id, d.org_id as "orgId", d.agent_id as "agentId", d.name, d.sku_id as "skuId", s.name as "skuName",
    d.lifecycle::text as lifecycle, d.quarantine::text as quarantine, d.quarantine_reason as "quarantineReason",
    d.health::text as health, d.availability::text as availability, d.simulated, d.cooling, d.tags, d.facts, d.engines,
    ${ineligibleSql(leaseMs)} as ineligible, live.run_id as "currentRunId",
    greatest(d.last_seen_at, a.last_seen_at) as "lastSeenAt", d.created_at as "createdAt"
  from device d join agent a on a.id = d.agent_id join sku s on s.id = d.sku_id
  left join attempt live on live.device_id = d.id and live.phase <> 'ended'`;

function toDevice(row: DeviceRow): Device {
  return {
    id: row.id,
    name: row.name,
    skuId: row.skuId,
    skuName: row.skuName,
    agentId: row.agentId,
    lifecycle: row.lifecycle,
    quarantine: row.quarantine,
    quarantineReason: row.quarantineReason,
    health: row.health,
    availability: row.availability,
    simulated: row.simulated,
    cooling: row.cooling,
    tags: row.tags,
    facts: row.facts,
    engines: row.engines,
    eligible: row.ineligible === null,
    ineligibleReason: row.ineligible === null ? null : INELIGIBLE[row.ineligible],
    currentRunId: row.currentRunId,
    lastSeenAt: row.lastSeenAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  };
}

/** One device of an org, or null. */
export async function readDevice(
  tx: Tx,
  orgId: string,
  id: string,
  leaseMs: number,
): Promise<Device | null> {
  const rows = await tx.$queryRaw<DeviceRow[]>(
    Prisma.sql`${select(leaseMs)} where d.org_id = ${orgId} and d.id = ${id}`,
  );
  return rows[0] === undefined ? null : toDevice(rows[0]);
}

export interface DeviceFilter extends PageRequest {
  sku?: string | undefined;
  availability?: DeviceAvailability | undefined;
}

/** An org's devices, newest first. */
export async function listDevices(
  tx: Tx,
  orgId: string,
  filter: DeviceFilter,
  leaseMs: number,
): Promise<Page<Device>> {
  const after =
    filter.cursor === undefined
      ? Prisma.empty
      : Prisma.sql`and d.id < ${decodeCursor(filter.cursor)}`;
  const sku = filter.sku === undefined ? Prisma.empty : Prisma.sql`and d.sku_id = ${filter.sku}`;
  const availability =
    filter.availability === undefined
      ? Prisma.empty
      : Prisma.sql`and d.availability = ${filter.availability}::device_availability`;
  const rows = await tx.$queryRaw<DeviceRow[]>(Prisma.sql`
    ${select(leaseMs)} where d.org_id = ${orgId} ${after} ${sku} ${availability}
    order by d.id desc limit ${filter.limit + 1}`);
  return pageFrom(rows, filter.limit, (row) => row.id, toDevice);
}

/** The devices with these ids, or all of an org's that are not retired; for matching and explaining, at most `limit`. */
export async function readDevices(
  tx: Tx,
  orgId: string,
  leaseMs: number,
  options: { ids?: string[]; limit: number },
): Promise<Device[]> {
  const ids =
    options.ids === undefined ? Prisma.empty : Prisma.sql`and d.id = any(${options.ids}::text[])`;
  const rows = await tx.$queryRaw<DeviceRow[]>(Prisma.sql`
    ${select(leaseMs)} where d.org_id = ${orgId} and d.lifecycle <> 'retired' ${ids} order by d.id limit ${options.limit}`);
  return rows.map(toDevice);
}

/** What describing a device again must know of it. */
export interface KnownDevice {
  id: string;
  localId: string;
  health: Device["health"];
  availability: DeviceAvailability;
  dimensionsDigest: string;
}

/** An agent's devices, locked in the order of their ids. */
export async function lockDevicesOfAgent(tx: Tx, agentId: string): Promise<KnownDevice[]> {
  return tx.$queryRaw<KnownDevice[]>(Prisma.sql`
    select id, local_id as "localId", health::text as health, availability::text as availability,
      dimensions_digest as "dimensionsDigest"
    from device where agent_id = ${agentId} order by id for update`);
}

/** The devices an agent has, by the agent's own names. */
export async function readBindings(
  tx: Tx,
  agentId: string,
): Promise<{ localId: string; deviceId: string }[]> {
  const rows = await tx.device.findMany({
    where: { agentId },
    select: { id: true, localId: true },
    orderBy: { id: "asc" },
  });
  return rows.map((row) => ({ localId: row.localId, deviceId: row.id }));
}

/** The columns an agent's description fills. */
export interface DescribedDevice {
  id: string;
  orgId: string;
  agentId: string;
  localId: string;
  skuId: string;
  name: string;
  lifecycle: "pending" | "active";
  health: Device["health"];
  availability: DeviceAvailability;
  simulated: boolean;
  cooling: string;
  tags: string[];
  facts: MachineFacts;
  engines: DeviceEngine[];
  dimensionsDigest: string;
}

export async function insertDevice(tx: Tx, device: DescribedDevice): Promise<void> {
  await tx.device.create({ data: device });
}

/** Takes over a fresh description; lifecycle, name and tags are the administrator's and stay. */
export async function updateDescription(
  tx: Tx,
  device: Omit<DescribedDevice, "lifecycle" | "name" | "tags" | "orgId" | "agentId" | "localId">,
): Promise<void> {
  const { id, ...columns } = device;
  await tx.device.update({ where: { id }, data: columns });
}

/** The state of a device that an administrator's change is judged by, locked; null when the org has no such device. */
export async function lockDevice(
  tx: Tx,
  orgId: string,
  id: string,
): Promise<{
  lifecycle: Device["lifecycle"];
  quarantine: Device["quarantine"];
  name: string;
  tags: string[];
} | null> {
  const rows = await tx.$queryRaw<
    {
      lifecycle: Device["lifecycle"];
      quarantine: Device["quarantine"];
      name: string;
      tags: string[];
    }[]
  >(Prisma.sql`
    select lifecycle::text as lifecycle, quarantine::text as quarantine, name, tags
    from device where org_id = ${orgId} and id = ${id} for update`);
  return rows[0] ?? null;
}

export interface DeviceChange {
  lifecycle: Device["lifecycle"];
  quarantine: Device["quarantine"];
  quarantineReason: string | null;
  name: string;
  tags: string[];
}

export async function writeDeviceChange(
  tx: Tx,
  id: string,
  change: Partial<DeviceChange>,
): Promise<void> {
  await tx.device.update({ where: { id }, data: change });
}

/** Sets a locked device's availability; the caller writes the event. */
export async function writeAvailability(
  tx: Tx,
  id: string,
  availability: DeviceAvailability,
): Promise<void> {
  await tx.device.update({ where: { id }, data: { availability } });
}
