import { AGENT_PROTOCOL_VERSION, routes, type AgentTimers } from "@benchfarm/contracts";
import { AGENT_VERSION } from "./agent-version.js";
import type { DeliveryParts } from "./deliver.js";
import type { DeviceSlot } from "./device-slot.js";

export interface Session {
  sessionId: string;
  timers: AgentTimers;
}

/**
 * Opens the agent's one session: describes the devices afresh, reports what the journal holds, and obeys the answer. An attempt that
 * no process of this agent runs is noted as ended by a crash; what is to be sent of it is left to the backlog.
 */
export async function openSession(
  parts: DeliveryParts & { slots: readonly DeviceSlot[]; signal: AbortSignal },
): Promise<Session> {
  const { client, clock, journal, slots } = parts;
  const open = journal.unfinished();
  for (const slot of slots) {
    if (slot.live === null) slot.description = await slot.host.describe();
  }
  const reply = await client.call(routes.openSession, {
    body: {
      agentVersion: AGENT_VERSION,
      protocolVersion: AGENT_PROTOCOL_VERSION,
      devices: slots.map((slot) => slot.description.device),
      attempts: open.slice(0, 1000).map((entry) => ({
        attemptId: entry.attemptId,
        epoch: entry.assignment.epoch,
        phase: entry.phase,
        hasResult: entry.result !== null,
      })),
    },
    signal: parts.signal,
  });
  for (const slot of slots) {
    const bound = reply.devices.find(({ localId }) => localId === slot.localId);
    slot.deviceId = bound?.deviceId ?? null;
  }
  for (const { attemptId, phase, resultOpen, endReason } of open) {
    const answer = reply.attempts.find((directive) => directive.attemptId === attemptId);
    const mustStop = answer?.directive === "stop";
    const live = slots.find((slot) => slot.live?.assignment.attemptId === attemptId)?.live ?? null;
    if (live !== null) {
      if (mustStop) live.stop({ kind: "lease_lost", detail: answer.reason });
    } else if (mustStop && !resultOpen) {
      journal.closeEnd(attemptId, clock.wallMs());
    } else if (!resultOpen && endReason === null) {
      // Whoever ran it is gone: no process outlives its agent.
      const detail = `the agent ended while the attempt was ${phase}`;
      journal.recordEnd(attemptId, "agent_crash", detail, clock.wallMs());
    }
  }
  return { sessionId: reply.sessionId, timers: reply.timers };
}
