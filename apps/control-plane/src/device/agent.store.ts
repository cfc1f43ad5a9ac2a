import { Prisma, type Tx } from "../platform/database/database.js";

/** What verbs need to know of an agent. */
export interface AgentRow {
  id: string;
  orgId: string;
  publicKey: string;
  autoApprove: boolean;
  maxDevices: number;
  sessionId: string | null;
  revoked: boolean;
}

const columns = Prisma.sql`id, org_id as "orgId", public_key as "publicKey", auto_approve as "autoApprove",
  max_devices as "maxDevices", session_id as "sessionId", revoked_at is not null as revoked`;

export async function readAgent(tx: Tx, id: string): Promise<AgentRow | null> {
  const rows = await tx.$queryRaw<AgentRow[]>(
    Prisma.sql`select ${columns} from agent where id = ${id}`,
  );
  return rows[0] ?? null;
}

export async function readAgentByKey(tx: Tx, publicKey: string): Promise<AgentRow | null> {
  const rows = await tx.$queryRaw<AgentRow[]>(
    Prisma.sql`select ${columns} from agent where public_key = ${publicKey}`,
  );
  return rows[0] ?? null;
}

/** As `readAgent`, held until the transaction ends: sessions of one agent open one after the other. */
export async function lockAgent(tx: Tx, id: string): Promise<AgentRow | null> {
  const rows = await tx.$queryRaw<AgentRow[]>(
    Prisma.sql`select ${columns} from agent where id = ${id} for update`,
  );
  return rows[0] ?? null;
}

/**
 * Remembers the nonce of a session request for as long as its signature verifies (the tolerance twice over). False: it was used before.
 */
export async function useSessionNonce(tx: Tx, agentId: string, nonce: string): Promise<boolean> {
  await tx.$executeRaw(
    Prisma.sql`delete from session_nonce where agent_id = ${agentId} and used_at < now() - interval '15 minutes'`,
  );
  const inserted = await tx.$executeRaw(
    Prisma.sql`insert into session_nonce (agent_id, nonce) values (${agentId}, ${nonce}) on conflict do nothing`,
  );
  return inserted === 1;
}

export interface NewAgent {
  id: string;
  orgId: string;
  name: string;
  publicKey: string;
  enrolmentId: string;
  autoApprove: boolean;
  maxDevices: number;
  agentVersion: string;
  protocolVersion: number;
}

export async function insertAgent(tx: Tx, agent: NewAgent): Promise<void> {
  await tx.agent.create({ data: agent });
}

/** Makes `sessionId` the agent's one session; the one before it is unknown from now on. */
export async function replaceSession(
  tx: Tx,
  agent: { id: string; sessionId: string; agentVersion: string; protocolVersion: number },
): Promise<Date> {
  const rows = await tx.$queryRaw<{ at: Date }[]>(Prisma.sql`
    update agent set session_id = ${agent.sessionId}, session_at = clock_timestamp(), last_seen_at = clock_timestamp(),
      agent_version = ${agent.agentVersion}, protocol_version = ${agent.protocolVersion}
    where id = ${agent.id} returning session_at as at`);
  const row = rows[0];
  if (row === undefined) throw new Error(`agent ${agent.id} vanished while its session opened`);
  return row.at;
}
