import { Prisma, type Tx } from "../platform/database/database.js";
import { matchKeyOf, type Requirement } from "./requirement.rules.js";

/** The SQL twin of `unmetBy` (requirement.rules.ts) over the aliases d (device) and q (requirement). */
export const meetsSql = Prisma.sql`(
  q.org_id = d.org_id
  and coalesce(q.requirements->>'deviceId', d.id) = d.id
  and coalesce(q.requirements->>'skuId', d.sku_id) = d.sku_id
  and exists (
    select 1 from jsonb_array_elements(d.engines) as e
    where e->>'adapter' = q.requirements->>'engine'
      and coalesce(q.requirements->>'engineVersion', e->>'version') = e->>'version'
      and e->'backends' @> to_jsonb(q.requirements->>'backend')))`;

/**
 * Both sides of the match table are written under this lock: a device and a requirement that were made at the same moment would
 * otherwise miss each other.
 */
async function lockMatching(tx: Tx, orgId: string): Promise<void> {
  await tx.$queryRaw(
    Prisma.sql`select 1 as locked from pg_advisory_xact_lock(hashtextextended(${`device_match ${orgId}`}, 0))`,
  );
}

/** Which requirements a device meets, computed afresh. Call it when the device's dimensions have changed. */
export async function rebuildDeviceMatches(
  tx: Tx,
  orgId: string,
  deviceId: string,
): Promise<string[]> {
  await lockMatching(tx, orgId);
  await tx.$executeRaw(Prisma.sql`delete from device_match where device_id = ${deviceId}`);
  const rows = await tx.$queryRaw<{ matchKey: string }[]>(Prisma.sql`
    insert into device_match (device_id, match_key)
    select d.id, q.match_key from device d join requirement q on ${meetsSql} where d.id = ${deviceId}
    returning match_key as "matchKey"`);
  return rows.map((row) => row.matchKey);
}

/** Stores requirements that are new, with the devices that meet them, and returns every requirement's match key in order. */
export async function ensureRequirements(tx: Tx, requirements: Requirement[]): Promise<string[]> {
  const keys = requirements.map(matchKeyOf);
  const byKey = new Map(requirements.map((requirement, i) => [keys[i] as string, requirement]));
  const known = await tx.requirement.findMany({
    where: { matchKey: { in: [...byKey.keys()] } },
    select: { matchKey: true },
  });
  for (const { matchKey } of known) byKey.delete(matchKey);
  if (byKey.size === 0) return keys;
  for (const orgId of new Set([...byKey.values()].map((r) => r.orgId)))
    await lockMatching(tx, orgId);
  const added = [...byKey.entries()];
  await tx.$executeRaw(Prisma.sql`
    with added as (
      insert into requirement (match_key, org_id, requirements)
      select * from unnest(${added.map(([key]) => key)}::text[], ${added.map(([, r]) => r.orgId)}::text[],
        ${added.map(([, r]) => JSON.stringify(r))}::jsonb[])
      on conflict do nothing returning match_key, org_id, requirements)
    insert into device_match (device_id, match_key)
    select d.id, q.match_key from added q join device d on ${meetsSql}
    on conflict do nothing`);
  return keys;
}
