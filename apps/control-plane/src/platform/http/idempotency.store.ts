import { Problem } from "@benchfarm/contracts";
import { z } from "zod";
import { Prisma, type Tx } from "../database/database.js";

export interface StoredReply {
  status: number;
  body: unknown;
}

const Row = z.object({ request_digest: z.string(), status: z.number(), body: z.unknown() });

/**
 * Takes a key for this transaction, waiting for another transaction that holds it. Null: it is ours. Otherwise the reply that the
 * key's first request got; throws `idempotency_conflict` when that request was another one.
 */
export async function claimKey(
  tx: Tx,
  orgId: string,
  key: string,
  requestDigest: string,
): Promise<StoredReply | null> {
  const inserted = await tx.$executeRaw(Prisma.sql`
    insert into idempotency_key (org_id, key, request_digest, status, body)
    values (${orgId}, ${key}, ${requestDigest}, 0, 'null') on conflict do nothing`);
  if (inserted === 1) return null;
  const [row] = await tx.$queryRaw<unknown[]>(Prisma.sql`
    select request_digest, status, body from idempotency_key where org_id = ${orgId} and key = ${key}`);
  const stored = Row.parse(row);
  if (stored.request_digest !== requestDigest) {
    throw new Problem(
      "idempotency_conflict",
      "this Idempotency-Key was used for another request; use a new key for new content",
    );
  }
  return { status: stored.status, body: stored.body };
}

export async function storeReply(
  tx: Tx,
  orgId: string,
  key: string,
  status: number,
  body: unknown,
): Promise<void> {
  await tx.$executeRaw(Prisma.sql`
    update idempotency_key set status = ${status}, body = ${JSON.stringify(body ?? null)}::jsonb
    where org_id = ${orgId} and key = ${key}`);
}

/** Forgets keys older than a day. */
export async function forgetOldKeys(tx: Tx): Promise<number> {
  return tx.$executeRaw(
    Prisma.sql`delete from idempotency_key where created_at < now() - interval '1 day'`,
  );
}
