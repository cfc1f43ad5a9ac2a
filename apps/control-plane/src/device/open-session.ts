import { randomBytes } from "node:crypto";
import { Problem, type DeviceDescription } from "@benchfarm/contracts";
import type { Tx } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { lockAgent, replaceSession, useSessionNonce } from "./agent.store.js";
import { describeDevices, type DescribedBinding } from "./describe-devices.js";
import { protocolFault } from "./device.rules.js";

export interface OpenedSession {
  sessionId: string;
  serverTime: Date;
  devices: DescribedBinding[];
  /** Match keys that a device newly meets: whoever holds work for them should be told. */
  matchKeys: string[];
}

/**
 * Opens the agent's one session: the one before is unknown from now on, and its devices are what it says now. What becomes of the
 * attempts it reports is the run slice's to decide, after this has committed. Throws `agent_outdated`, `signature_invalid`,
 * `invalid_request`, `conflict`.
 */
export async function openSession(
  tx: Tx,
  agentId: string,
  signatureNonce: string,
  request: { agentVersion: string; protocolVersion: number; devices: DeviceDescription[] },
): Promise<OpenedSession> {
  const fault = protocolFault(request.protocolVersion);
  if (fault !== null) throw new Problem("agent_outdated", fault);
  const agent = await lockAgent(tx, agentId);
  if (agent === null || agent.revoked) {
    throw new Problem(
      "signature_invalid",
      "this agent is not enrolled here any more; enrol it again with a new code",
    );
  }
  // The one agent call whose replay would do harm: a captured request sent again would end the live session.
  if (!(await useSessionNonce(tx, agentId, signatureNonce))) {
    throw new Problem(
      "signature_invalid",
      "this session request was used before; sign a new one for each call",
    );
  }
  const sessionId = `ses_${randomBytes(16).toString("hex")}`;
  const { agentVersion, protocolVersion } = request;
  const serverTime = await replaceSession(tx, {
    id: agentId,
    sessionId,
    agentVersion,
    protocolVersion,
  });
  await recordEvent(tx, {
    orgId: agent.orgId,
    kind: "agent.session_opened",
    subjectKind: "agent",
    subjectId: agentId,
    actor: agentId,
    data: { agentVersion, protocolVersion, replaced: agent.sessionId !== null },
  });
  const { bindings, matchKeys } = await describeDevices(tx, agent, request.devices);
  return { sessionId, serverTime, devices: bindings, matchKeys };
}
