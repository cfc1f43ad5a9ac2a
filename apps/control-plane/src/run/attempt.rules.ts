import type {
  AttemptEndReason,
  AttemptPhase,
  DeviceAvailability,
  FailureCode,
  RunOutcome,
  RunState,
} from "@benchfarm/contracts";

/** A run is handed out at most so often, whatever ended its attempts (I11). */
export const MAX_DISPATCHES = 10;

/** What an ended attempt means: whether it costs budget, whether its run may be tried again, and what its device is then. */
export interface EndReasonRow {
  /** Counts against the run's `maxAttempts`. */
  charged: boolean;
  /** The outcome of the run when this ending is its last. */
  outcome: RunOutcome;
  /** `never`: the ending is an answer. `again`: nobody learnt anything, the run goes back to the queue while there is budget. */
  retry: "never" | "again";
  /** How long until the next try. */
  delay: RetryDelay;
  /** The device afterwards. Only the agent's word makes a device `ready` that may have run something. */
  device: DeviceAvailability;
}

/** `none`: at once. `loss`: the device may come back with the result. `backoff`: growing with each dispatch. */
export type RetryDelay = "none" | "loss" | "backoff";

/** One row per end reason (orchestration B3). */
export const END_REASONS: Record<AttemptEndReason, EndReasonRow> = {
  completed: row(false, "succeeded", "never", "none", "cleaning"),
  run_failed: row(false, "failed", "never", "none", "cleaning"),
  run_invalid: row(false, "invalid", "never", "none", "cleaning"),
  timed_out: row(false, "timed_out", "never", "none", "cleaning"),
  lease_lost: row(true, "infra_error", "again", "loss", "unreachable"),
  agent_crash: row(true, "infra_error", "again", "none", "cleaning"),
  device_lost: row(true, "infra_error", "again", "backoff", "cleaning"),
  gate_timeout: row(false, "failed", "again", "backoff", "cleaning"),
  preempted: row(false, "infra_error", "again", "none", "cleaning"),
  drained: row(false, "infra_error", "again", "none", "cleaning"),
  offer_lapsed: row(false, "infra_error", "again", "none", "ready"),
  canceled: row(false, "canceled", "never", "none", "cleaning"),
  server_fault: row(false, "infra_error", "again", "backoff", "cleaning"),
};

function row(
  charged: boolean,
  outcome: RunOutcome,
  retry: EndReasonRow["retry"],
  delay: RetryDelay,
  device: DeviceAvailability,
): EndReasonRow {
  return { charged, outcome, retry, delay, device };
}

/** What a failed measurement says about the next try: the end reason of its attempt, and whether another try could differ. */
export interface FailureRow {
  endReason: AttemptEndReason;
  /** Tried again while fewer than `maxAttempts` tries were made; then it is the run's visible reason. */
  transient: boolean;
}

const permanent: FailureRow = { endReason: "run_failed", transient: false };
const transient: FailureRow = { endReason: "run_failed", transient: true };

/** One row per failure code. */
export const FAILURES: Record<FailureCode, FailureRow> = {
  out_of_memory: permanent,
  unsupported: permanent,
  backend_mismatch: permanent,
  engine_crashed: permanent,
  engine_failed: permanent,
  engine_missing: permanent,
  unreadable_output: permanent,
  non_finite: permanent,
  token_count_mismatch: permanent,
  model_rejected: permanent,
  invalid_measurement: { endReason: "run_invalid", transient: false },
  timed_out: { endReason: "timed_out", transient: false },
  gate_timeout: { endReason: "gate_timeout", transient: true },
  artifact_unavailable: transient,
  artifact_corrupt: transient,
  disk_full: transient,
  device_lost: { endReason: "device_lost", transient: true },
  agent_failed: { endReason: "agent_crash", transient: true },
};

/** The failure code that stands for an attempt which ended without a word of its own. */
export function failureCodeOf(endReason: AttemptEndReason): FailureCode {
  switch (endReason) {
    case "timed_out":
      return "timed_out";
    case "gate_timeout":
      return "gate_timeout";
    case "lease_lost":
    case "device_lost":
      return "device_lost";
    default:
      return "agent_failed";
  }
}

/** Reasons an agent may give for ending an attempt without a result. */
const AGENT_END_REASONS: readonly AttemptEndReason[] = [
  "timed_out",
  "agent_crash",
  "device_lost",
  "gate_timeout",
  "preempted",
  "drained",
  "canceled",
  "server_fault",
];

/**
 * The end reason that an agent's word amounts to: `canceled` counts only when somebody canceled the run, else the agent gave it
 * back. Null for a reason that only the farm may give, or that needs a result.
 */
export function acceptedEndReason(
  stated: AttemptEndReason,
  runState: RunState,
): AttemptEndReason | null {
  if (!AGENT_END_REASONS.includes(stated)) return null;
  return stated === "canceled" && runState !== "canceling" ? "drained" : stated;
}

export interface HeldAttempt {
  phase: AttemptPhase;
  leaseEpoch: number;
  hasStoredResult: boolean;
  runState: RunState;
}

export interface ReportedAttempt {
  epoch: number;
  hasResult: boolean;
}

/** What an agent is told about an attempt in its journal (orchestration B4, resync). */
export interface ReportVerdict {
  directive: "keep" | "send_result" | "stop";
  reason: string;
  /** The farm must end the attempt, with this reason. */
  end: AttemptEndReason | null;
}

/** Decides about one reported attempt; `held` is what the farm has of it, null when it never gave this agent such an attempt. */
export function judgeReport(held: HeldAttempt | null, reported: ReportedAttempt): ReportVerdict {
  if (held === null) return stop("the farm never gave this attempt to this agent");
  if (held.leaseEpoch !== reported.epoch) return stop("the attempt has another lease epoch");
  if (held.phase === "ended") {
    if (reported.hasResult && !held.hasStoredResult) {
      return {
        directive: "send_result",
        reason: "its lease is over; the result is kept as evidence",
        end: null,
      };
    }
    return stop("the attempt has ended");
  }
  if (held.phase === "offered") {
    return stop("the offer was not taken before the session changed", "offer_lapsed");
  }
  if (reported.hasResult) return { directive: "send_result", reason: "the lease holds", end: null };
  if (held.runState === "canceling") return stop("the run was canceled", "canceled");
  return { directive: "keep", reason: "the lease holds", end: null };
}

function stop(reason: string, end: AttemptEndReason | null = null): ReportVerdict {
  return { directive: "stop", reason, end };
}
