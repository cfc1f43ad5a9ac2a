import type { AttemptEndReason, Failure } from "@benchfarm/contracts";

/** How an attempt ends by the failure of its result; the farm decides from it whether to try again. */
export function endReasonOf(failure: Failure | null): AttemptEndReason {
  switch (failure?.code) {
    case undefined:
      return "completed";
    case "gate_timeout":
      return "gate_timeout";
    case "timed_out":
      return "timed_out";
    case "device_lost":
      return "device_lost";
    default:
      return "run_failed";
  }
}
