import { routes, type Client } from "@benchfarm/contracts";
import type { AgentLog } from "./agent-event.js";
import type { Clock } from "./clock.js";
import type { Journal, JournalEntry } from "./journal.js";
import { meaningOf } from "./server-answer.js";

/** A call that gets no answer in this time is made again. */
export const CALL_TIMEOUT_MS = 30_000;

export interface DeliveryParts {
  client: Client;
  journal: Journal;
  clock: Clock;
  log: AgentLog;
}

export type Delivery =
  /** Nothing of the attempt is left to be sent. */
  { kind: "delivered" } | { kind: "later"; afterMs: number; message: string };

/**
 * Sends what the journal holds of an attempt: its result, then its end. Safe to repeat. What the farm refuses for good stays in the
 * journal as evidence and is not sent again. Throws AgentStopped.
 */
export async function deliver(entry: JournalEntry, parts: DeliveryParts): Promise<Delivery> {
  const { client, journal, clock, log } = parts;
  const { attemptId } = entry;
  const { epoch } = entry.assignment;
  const send = async (what: string, call: () => Promise<unknown>, close: () => void) => {
    try {
      await call();
    } catch (error) {
      const meaning = meaningOf(error);
      if (meaning.kind === "later") return meaning;
      // Neither call carries a session, so a lost one does not hold it up.
      log.warn(`the farm does not take the ${what} of ${attemptId}: ${meaning.message}`);
    }
    close();
    return null;
  };
  if (entry.resultOpen && entry.result !== null) {
    const { result } = entry;
    const held = await send(
      "result",
      () =>
        client.call(routes.submitResult, {
          params: { id: attemptId },
          body: { epoch, result },
          signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
        }),
      () => journal.closeResult(attemptId, clock.wallMs()),
    );
    if (held !== null) return held;
  }
  if (entry.endOpen && entry.endReason !== null) {
    const { endReason, endDetail } = entry;
    const held = await send(
      "end",
      () =>
        client.call(routes.endAttempt, {
          params: { id: attemptId },
          body: { epoch, endReason, detail: endDetail?.slice(0, 4000) ?? null },
          signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
        }),
      () => journal.closeEnd(attemptId, clock.wallMs()),
    );
    if (held !== null) return held;
  }
  return { kind: "delivered" };
}

/** Sends everything that attempts no longer live have left, oldest first, until the farm does not take something now. */
export async function deliverBacklog(
  liveAttemptIds: readonly string[],
  parts: DeliveryParts,
): Promise<Delivery> {
  const { journal, clock } = parts;
  for (const entry of journal.unfinished()) {
    const { attemptId } = entry;
    if (liveAttemptIds.includes(attemptId)) continue;
    if (entry.resultOpen && entry.endReason === null) {
      // The agent ended between the result and the end of this attempt.
      const reason = entry.result?.failure === null ? "completed" : "run_failed";
      journal.recordEnd(attemptId, reason, null, clock.wallMs());
    }
    const delivery = await deliver(journal.read(attemptId) ?? entry, parts);
    if (delivery.kind === "later") return delivery;
    // Nothing is left to be sent, so nothing is left open.
    if (entry.phase !== "ended") journal.closeEnd(attemptId, clock.wallMs());
  }
  return { kind: "delivered" };
}
