import type { Enrolment } from "@benchfarm/contracts";
import { Prisma, type Tx } from "../platform/database/database.js";
import {
  NEWEST_FIRST,
  pageFrom,
  pageWhere,
  type Page,
  type PageRequest,
} from "../platform/page.js";

export interface NewEnrolment {
  id: string;
  orgId: string;
  name: string | null;
  codeDigest: string;
  maxDevices: number;
  autoApprove: boolean;
  validForSeconds: number;
}

/** Stores a one-time code's digest, valid from the database's now. */
export async function insertEnrolment(tx: Tx, enrolment: NewEnrolment): Promise<Enrolment> {
  await tx.$executeRaw(Prisma.sql`
    insert into enrolment (id, org_id, name, code_digest, max_devices, auto_approve, expires_at)
    values (${enrolment.id}, ${enrolment.orgId}, ${enrolment.name}, ${enrolment.codeDigest}, ${enrolment.maxDevices},
      ${enrolment.autoApprove}, clock_timestamp() + ${enrolment.validForSeconds}::int * interval '1 second')`);
  return toEnrolment(await tx.enrolment.findUniqueOrThrow({ where: { id: enrolment.id } }));
}

export interface LockedEnrolment {
  id: string;
  orgId: string;
  maxDevices: number;
  autoApprove: boolean;
  expired: boolean;
  agentId: string | null;
  usedByKey: string | null;
}

/** The enrolment of a code, locked so that one exchange at a time decides; null when there is none. */
export async function lockEnrolment(tx: Tx, codeDigest: string): Promise<LockedEnrolment | null> {
  const rows = await tx.$queryRaw<Omit<LockedEnrolment, "usedByKey">[]>(Prisma.sql`
    select id, org_id as "orgId", max_devices as "maxDevices", auto_approve as "autoApprove",
      expires_at <= clock_timestamp() as expired, agent_id as "agentId"
    from enrolment where code_digest = ${codeDigest} for update`);
  const row = rows[0];
  if (row === undefined) return null;
  // Read after the lock: the exchange that was waited for may have named its agent.
  const agent =
    row.agentId === null ? null : await tx.agent.findUnique({ where: { id: row.agentId } });
  return { ...row, usedByKey: agent?.publicKey ?? null };
}

export async function markEnrolmentUsed(tx: Tx, id: string, agentId: string): Promise<void> {
  await tx.$executeRaw(Prisma.sql`
    update enrolment set used_at = clock_timestamp(), agent_id = ${agentId} where id = ${id}`);
}

/** An org's enrolments, newest first. */
export async function listEnrolments(
  tx: Tx,
  orgId: string,
  page: PageRequest,
): Promise<Page<Enrolment>> {
  const rows = await tx.enrolment.findMany({
    where: { orgId, ...pageWhere(page) },
    orderBy: NEWEST_FIRST,
    take: page.limit + 1,
  });
  return pageFrom(rows, page.limit, (row) => row.id, toEnrolment);
}

type EnrolmentRow = NonNullable<Awaited<ReturnType<Tx["enrolment"]["findUnique"]>>>;

function toEnrolment(row: EnrolmentRow): Enrolment {
  return {
    id: row.id,
    name: row.name,
    maxDevices: row.maxDevices,
    autoApprove: row.autoApprove,
    expiresAt: row.expiresAt.toISOString(),
    usedAt: row.usedAt?.toISOString() ?? null,
    agentId: row.agentId,
    createdAt: row.createdAt.toISOString(),
  };
}
