import { Problem } from "@benchfarm/contracts";
import type { SqlTx } from "../platform/database/database.js";
import { seenIntervalMs } from "./device.rules.js";
import { writePresence, type ReportedPresence } from "./presence.store.js";

/**
 * Takes over what an agent's live session says of its devices; returns whether a device's availability changed. Throws
 * `session_unknown` when another session has replaced this one.
 */
export async function recordPresence(
  tx: SqlTx,
  agentId: string,
  sessionId: string,
  devices: ReportedPresence[],
  leaseMs: number,
): Promise<boolean> {
  const outcome = await writePresence(tx, {
    agentId,
    sessionId,
    devices,
    leaseMs,
    seenIntervalMs: seenIntervalMs(leaseMs),
  });
  if (!outcome.sessionLive) {
    throw new Problem(
      "session_unknown",
      "open a new session; if this repeats, two agents are running with the same key",
    );
  }
  return outcome.changed > 0;
}
