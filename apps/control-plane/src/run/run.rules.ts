import type {
  AttemptEndReason,
  AttemptPhase,
  DeviceAvailability,
  FailureCode,
  RunOutcome,
  RunState,
  Validity,
  WorkloadSpec,
} from "@benchfarm/contracts";
import { END_REASONS, FAILURES, MAX_DISPATCHES, type RetryDelay } from "./attempt.rules.js";

/** What decides about a run when one of its attempts ends. */
export interface RunBudget {
  state: RunState;
  dispatchCount: number;
  chargedCount: number;
  maxAttempts: number;
}

export interface Ending {
  endReason: AttemptEndReason;
  charged: boolean;
  /** The device of the attempt afterwards. */
  device: DeviceAvailability;
  run:
    { kind: "done"; outcome: RunOutcome; reason: string } | { kind: "queued"; delay: RetryDelay };
}

/**
 * What the end of an attempt without a usable result makes of its run (orchestration B2, B3). `cause` is the sentence a person
 * reads when the run ends here.
 */
export function decideEnd(endReason: AttemptEndReason, run: RunBudget, cause: string): Ending {
  const row = END_REASONS[endReason];
  const charged = row.charged && run.chargedCount < run.maxAttempts;
  const base = { endReason, charged, device: row.device };
  if (run.state === "canceling") {
    return { ...base, run: { kind: "done", outcome: "canceled", reason: "canceled" } };
  }
  if (row.retry === "never") {
    return { ...base, run: { kind: "done", outcome: row.outcome, reason: cause } };
  }
  const chargedCount = run.chargedCount + (charged ? 1 : 0);
  if (row.charged && chargedCount >= run.maxAttempts) {
    const reason = `${cause}; ${chargedCount} of ${run.maxAttempts} attempts were lost`;
    return { ...base, run: { kind: "done", outcome: row.outcome, reason } };
  }
  if (run.dispatchCount >= MAX_DISPATCHES) {
    const reason = `${cause}; handed out ${run.dispatchCount} times without an answer`;
    return { ...base, run: { kind: "done", outcome: row.outcome, reason } };
  }
  return { ...base, run: { kind: "queued", delay: row.delay } };
}

/** What a submitted failure makes of its run: permanent ones are the answer, transient ones are tried again within budget. */
export function decideFailure(code: FailureCode, run: RunBudget, cause: string): Ending {
  const { endReason, transient } = FAILURES[code];
  const row = END_REASONS[endReason];
  if (run.state === "canceling" || row.charged || (transient && row.retry === "again")) {
    const ending = decideEnd(endReason, run, cause);
    if (ending.run.kind === "done" || row.charged || run.dispatchCount < run.maxAttempts) {
      return ending;
    }
    return { ...ending, run: exhausted(row.outcome, run, cause) };
  }
  const base = { endReason, charged: false, device: row.device };
  if (!transient) return { ...base, run: { kind: "done", outcome: row.outcome, reason: cause } };
  if (run.dispatchCount < Math.min(run.maxAttempts, MAX_DISPATCHES)) {
    return { ...base, run: { kind: "queued", delay: "backoff" } };
  }
  return { ...base, run: exhausted(row.outcome, run, cause) };
}

function exhausted(outcome: RunOutcome, run: RunBudget, cause: string) {
  return { kind: "done" as const, outcome, reason: `${cause}; tried ${run.dispatchCount} times` };
}

/** What a stored measurement makes of its run; the result itself lists the reasons. */
export function decideMeasured(validity: Validity): Ending {
  const base = { charged: false, device: "cleaning" as const };
  if (validity === "invalid") {
    const reason = "measured, but the measurement is invalid: its result says why";
    return { ...base, endReason: "run_invalid", run: { kind: "done", outcome: "invalid", reason } };
  }
  const reason = validity === "held" ? "measured, but held back: its result says why" : "measured";
  return { ...base, endReason: "completed", run: { kind: "done", outcome: "succeeded", reason } };
}

/**
 * Whether a result that came after its lease was lost counts: only while its run is not done and nobody newer has begun
 * (orchestration B8). `newer` is the phase of the run's live attempt, null when it has none.
 */
export function lateResultCounts(runState: RunState, newer: AttemptPhase | null): boolean {
  return runState !== "done" && (newer === null || newer === "offered");
}

/** Milliseconds until a run that goes back to the queue may be offered again. */
export function retryDelayMs(
  delay: RetryDelay,
  dispatchCount: number,
  requeueAfterLossMs: number,
): number {
  switch (delay) {
    case "none":
      return 0;
    case "loss":
      return requeueAfterLossMs;
    case "backoff":
      return Math.min(60_000, 1000 * 2 ** Math.min(dispatchCount, 10));
  }
}

/** How long a canceled run may stay `canceling` before the farm ends it without the agent's word. */
export const CANCEL_BOUND_MS = 120_000;

/** How long a queued run may wait before it is looked at again. */
export const QUEUED_CHECK_MS = 3_600_000;

/**
 * How long a workload may be expected to take, in milliseconds: only an order for fair sharing, never shown. Assumes 100 prompt
 * tokens and 10 generated tokens per second, and half a minute around it.
 */
export function estimateMs(spec: WorkloadSpec): number {
  const repetitions = spec.repetitions + spec.warmupRepetitions;
  const tokensMs = (spec.promptTokens + spec.depthTokens) * 10 + spec.generatedTokens * 100;
  return Math.round(30_000 + Math.max(repetitions * tokensMs, spec.minimumMeasuredMs));
}

/** How long each phase of an attempt may take, in milliseconds (orchestration B7). */
export function limitsFor(spec: WorkloadSpec): {
  prepareMs: number;
  gateMs: number;
  measureMs: number;
  repetitionMs: number;
} {
  const measureMs = Math.min(86_400_000, Math.max(1_800_000, 10 * estimateMs(spec)));
  const repetitionMs = Math.min(measureMs, 1_200_000);
  return { prepareMs: 1_800_000, gateMs: 1_200_000, measureMs, repetitionMs };
}

/** The file name an agent shows for an artifact; its identity is its digest. */
export function artifactFileName(modelName: string, quantName: string): string {
  return `${`${modelName}-${quantName}`.replaceAll(/[^A-Za-z0-9._-]+/g, "-")}.gguf`;
}
