import { newId, Scope, type ApiKey } from "@benchfarm/contracts";
import { z } from "zod";
import { Prisma, type Tx } from "../platform/database/database.js";
import {
  NEWEST_FIRST,
  pageFrom,
  pageWhere,
  type Page,
  type PageRequest,
} from "../platform/page.js";

interface ApiKeyRow {
  id: string;
  orgId: string;
  name: string;
  scopes: string[];
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes as Scope[],
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

export async function insertApiKey(
  tx: Tx,
  key: { orgId: string; name: string; scopes: readonly Scope[]; secretDigest: string },
): Promise<ApiKey> {
  return toApiKey(
    await tx.apiKey.create({ data: { ...key, id: newId("apiKey"), scopes: [...key.scopes] } }),
  );
}

export async function listApiKeys(tx: Tx, orgId: string, page: PageRequest): Promise<Page<ApiKey>> {
  const rows = await tx.apiKey.findMany({
    where: { orgId, ...pageWhere(page) },
    orderBy: NEWEST_FIRST,
    take: page.limit + 1,
  });
  return pageFrom(rows, page.limit, (row) => row.id, toApiKey);
}

/** Whether the org has a live key that may make others; locks those keys until `tx` ends. */
export async function countLiveAdminKeys(tx: Tx, orgId: string): Promise<number> {
  const rows = await tx.$queryRaw<unknown[]>(Prisma.sql`
    select id from api_key where org_id = ${orgId} and revoked_at is null and 'org:admin' = any(scopes)
    for update`);
  return rows.length;
}

/** Marks a key revoked at the database's time; a revoked one keeps its first time. Null: the org has no such key. */
export async function markRevoked(tx: Tx, orgId: string, id: string): Promise<ApiKey | null> {
  await tx.$executeRaw(Prisma.sql`
    update api_key set revoked_at = now() where org_id = ${orgId} and id = ${id} and revoked_at is null`);
  const row = await tx.apiKey.findFirst({ where: { orgId, id } });
  return row === null ? null : toApiKey(row);
}

const UsedKey = z.object({
  id: z.string(),
  org_id: z.string(),
  scopes: z.array(Scope),
  stale: z.boolean(),
});

/** The live key with this digest. Its last use is written at most once a minute. */
export async function useApiKey(
  tx: Tx,
  digest: string,
): Promise<{ keyId: string; orgId: string; scopes: Scope[] } | null> {
  const [row] = await tx.$queryRaw<unknown[]>(Prisma.sql`
    select id, org_id, scopes,
      coalesce(last_used_at < now() - interval '1 minute', true) as stale
    from api_key where secret_digest = ${digest} and revoked_at is null`);
  if (row === undefined) return null;
  const key = UsedKey.parse(row);
  if (key.stale) {
    await tx.$executeRaw(Prisma.sql`
      update api_key set last_used_at = now()
      where id = ${key.id} and coalesce(last_used_at < now() - interval '1 minute', true)`);
  }
  return { keyId: key.id, orgId: key.org_id, scopes: key.scopes };
}
