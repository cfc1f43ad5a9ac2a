import {
  routes,
  type Assignment,
  type AttemptEndReason,
  type Client,
  type Failure,
} from "@benchfarm/contracts";
import type { Engine } from "@benchfarm/engines";
import type { AgentEvent, AgentLog } from "./agent-event.js";
import type { ArtifactCache } from "./artifact-cache.js";
import { BackOff } from "./back-off.js";
import type { Clock } from "./clock.js";
import { CALL_TIMEOUT_MS, deliver } from "./deliver.js";
import { LiveAttempt, type DeviceSlot } from "./device-slot.js";
import type { ProcessMark } from "./device-host.js";
import type { Heartbeat } from "./heartbeat.js";
import type { Journal } from "./journal.js";
import { runJob, type JobOutcome } from "./run-job.js";
import { meaningOf } from "./server-answer.js";

export interface AttemptParts {
  client: Client;
  clock: Clock;
  log: AgentLog;
  journal: Journal;
  cache: ArtifactCache;
  engines: readonly Engine[];
  heartbeat: Heartbeat;
  onEvent: (event: AgentEvent) => void;
  onSessionLost: () => void;
}

/**
 * Takes one offer from journal to end. Work starts only after the farm's yes to `accept`; a result is on disk before it is sent; the
 * device asks for work again only when its host has settled it. Rejects with AgentStopped only.
 */
export async function runAttempt(
  assignment: Assignment,
  slot: DeviceSlot,
  offerMs: number,
  stopSignal: AbortSignal,
  parts: AttemptParts,
): Promise<void> {
  const { clock, journal, onEvent } = parts;
  const { attemptId, runId } = assignment;
  const live = new LiveAttempt(assignment);
  slot.live = live;
  const drain = () => live.stop({ kind: "drained", detail: "the agent was told to end" });
  stopSignal.addEventListener("abort", drain);
  if (stopSignal.aborted) drain();
  let lastChild: ProcessMark | null = null;
  try {
    onEvent({ kind: "attempt_offered", assignment });
    journal.recordOffer(assignment, clock.wallMs());
    if (!(await accept(assignment, offerMs, live.signal, parts))) {
      journal.closeEnd(attemptId, clock.wallMs());
      return;
    }
    journal.recordAccepted(attemptId, clock.wallMs());
    const outcome = await runJob(assignment, {
      host: slot.host,
      description: slot.description,
      engines: parts.engines,
      clock,
      signal: live.signal,
      acquire: async (artifact, signal) => ({
        sha256: artifact.sha256,
        sizeBytes: artifact.sizeBytes,
        fileName: artifact.fileName,
        path: await parts.cache.acquire(artifact, parts.client, signal),
      }),
      onPhase: (phase) => {
        if (phase === live.phase) return;
        live.phase = phase;
        journal.recordPhase(attemptId, phase, clock.wallMs());
        onEvent({ kind: "attempt_phase", attemptId, runId, phase });
      },
      onProgress: (repetition, repetitions) => {
        live.progress = { repetition, repetitions, waitingFor: null };
        onEvent({ kind: "attempt_progress", attemptId, runId, repetition, repetitions });
      },
      onWaiting: (reason) => {
        if (live.progress === null || live.progress.waitingFor === reason) return;
        live.progress = { ...live.progress, waitingFor: reason };
        if (reason !== null) onEvent({ kind: "attempt_waiting", attemptId, runId, reason });
      },
      onChild: (child) => {
        lastChild = child;
        journal.recordChild(attemptId, child, clock.wallMs());
      },
      enterQuiet: (expectedMs) => parts.heartbeat.enterQuiet(expectedMs),
    });
    if (outcome.result.modelSha256 !== null) parts.cache.release(outcome.result.modelSha256);
    live.phase = "finalizing";
    const ended = note(outcome, live, parts);
    await sendOnce(attemptId, parts);
    slot.availability = "cleaning";
    await slot.host.settle(lastChild === null ? [] : [lastChild]).catch((error: unknown) => {
      parts.log.warn(`the device could not be settled: ${String(error)}`);
    });
    if (ended !== null) {
      journal.recordEnd(
        attemptId,
        ended.endReason,
        ended.failure?.message ?? ended.detail,
        clock.wallMs(),
      );
      await sendOnce(attemptId, parts);
      onEvent({ kind: "attempt_ended", attemptId, runId, ...ended });
    }
  } finally {
    stopSignal.removeEventListener("abort", drain);
    slot.availability = "ready";
    slot.live = null;
  }
}

/** True only after the farm's 200. An unreachable farm is asked again while the offer stands. */
async function accept(
  assignment: Assignment,
  offerMs: number,
  signal: AbortSignal,
  parts: AttemptParts,
): Promise<boolean> {
  const { client, clock, log } = parts;
  const { attemptId, epoch, claimId } = assignment;
  const untilMs = clock.monotonicMs() + offerMs;
  const backOff = new BackOff(clock, 200, 5_000);
  while (!signal.aborted && clock.monotonicMs() < untilMs) {
    try {
      await client.call(routes.acceptAttempt, {
        params: { id: attemptId },
        body: { epoch, claimId },
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
      });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const meaning = meaningOf(error);
      if (meaning.kind === "new_session") parts.onSessionLost();
      if (meaning.kind !== "later") {
        log.info(`offer ${attemptId} is gone: ${meaning.message}`);
        return false;
      }
      await backOff.wait(signal, meaning.afterMs);
    }
  }
  return false;
}

/** Writes what came of the job to the journal; null when the farm has nothing to be told but what it knows. */
function note(
  outcome: JobOutcome,
  live: LiveAttempt,
  parts: AttemptParts,
): { endReason: AttemptEndReason; failure: Failure | null; detail: string | null } | null {
  const { clock, journal } = parts;
  const { attemptId } = live.assignment;
  journal.recordResult(attemptId, outcome.result, clock.wallMs());
  if (outcome.kind === "result") {
    return { endReason: outcome.endReason, failure: outcome.result.failure, detail: null };
  }
  // Evidence of a stopped attempt stays here; it is no result.
  journal.closeResult(attemptId, clock.wallMs());
  const reason = live.stopReason;
  if (reason?.kind === "lease_lost") {
    journal.closeEnd(attemptId, clock.wallMs());
    parts.onEvent({
      kind: "attempt_ended",
      attemptId,
      runId: live.assignment.runId,
      endReason: "lease_lost",
      failure: null,
    });
    return null;
  }
  return { endReason: reason?.kind ?? "drained", failure: null, detail: reason?.detail ?? null };
}

/** One try to deliver; what does not arrive is in the journal, and the agent goes on trying. */
async function sendOnce(attemptId: string, parts: AttemptParts): Promise<void> {
  const entry = parts.journal.read(attemptId);
  if (entry !== null) await deliver(entry, parts);
}
