import { newId, type Org } from "@benchfarm/contracts";
import type { Tx } from "../platform/database/database.js";

interface OrgRow {
  id: string;
  slug: string;
  name: string;
  root: boolean;
  createdAt: Date;
}

/** The wire form of an org. */
export function toOrg(row: OrgRow): Org {
  return { id: row.id, slug: row.slug, name: row.name, createdAt: row.createdAt.toISOString() };
}

export async function insertOrg(
  tx: Tx,
  org: { slug: string; name: string; root: boolean },
): Promise<OrgRow> {
  return tx.org.create({ data: { id: newId("org"), ...org } });
}

export async function findOrg(tx: Tx, orgId: string): Promise<OrgRow | null> {
  return tx.org.findUnique({ where: { id: orgId } });
}

export async function findOrgBySlug(tx: Tx, slug: string): Promise<OrgRow | null> {
  return tx.org.findUnique({ where: { slug } });
}

/** The farm's own org, or null before the first start. */
export async function findRootOrg(tx: Tx): Promise<OrgRow | null> {
  return tx.org.findFirst({ where: { root: true }, orderBy: { id: "asc" } });
}

/** Makes everything else that wants the same lock wait until `tx` ends. */
export async function lockBootstrap(tx: Tx): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended('benchfarm root org', 0))`;
}
