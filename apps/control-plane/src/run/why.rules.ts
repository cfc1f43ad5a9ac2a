import type { Run } from "@benchfarm/contracts";

/** A device as a run sees it. */
export interface Candidate {
  deviceId: string;
  name: string;
  /** Why it is not offered this run now, or null when it could be. */
  reason: string | null;
  /** What of the requirement it does not meet, whatever its state. */
  unmet: string | null;
}

export interface WhyInput {
  run: Pick<Run, "state" | "outcome" | "reason" | "blockedReason" | "phase" | "deviceName">;
  candidates: readonly Candidate[];
  /** Queued runs that the same devices take first. */
  ahead: number;
  /** Null when it may be offered at once. */
  notBefore: Date | null;
}

/** One sentence that says why a run is where it is, made from the same predicate that decides. */
export function whySentence({ run, candidates, ahead, notBefore }: WhyInput): string {
  switch (run.state) {
    case "done":
      return `It is done: ${run.outcome}${run.reason === null ? "" : ` (${run.reason})`}.`;
    case "canceling":
      return "It was canceled and waits for its agent to stop.";
    case "active":
      return `${run.deviceName ?? "A device"} works on it (${run.phase ?? "ending"}).`;
    case "blocked":
      return `It is held back: ${run.blockedReason ?? "no reason was recorded"}.`;
    case "queued":
      return queuedSentence(candidates, ahead, notBefore);
  }
}

function queuedSentence(
  candidates: readonly Candidate[],
  ahead: number,
  notBefore: Date | null,
): string {
  if (candidates.length === 0) return "It waits because no device is enrolled.";
  const matching = candidates.filter((c) => c.unmet === null);
  if (matching.length === 0) {
    return `No device can serve it: of ${candidates.length}, ${tally(candidates.map((c) => c.unmet))}.`;
  }
  if (notBefore !== null) {
    return `It is tried again after ${notBefore.toISOString()}; ${ofDevices(matching.length)} can serve it.`;
  }
  const free = matching.filter((c) => c.reason === null);
  const queue = ahead === 0 ? "" : `; ${ahead} ${ahead === 1 ? "run is" : "runs are"} ahead of it`;
  if (free.length > 0) {
    return `It is about to be offered: ${ofDevices(free.length)} ready for it${queue}.`;
  }
  return `It waits for a device: of ${matching.length} that can serve it, ${tally(matching.map((c) => c.reason))}${queue}.`;
}

const ofDevices = (count: number) => `${count} ${count === 1 ? "device" : "devices"}`;

/** `2 is busy, 1 is offline`, most frequent first. */
function tally(reasons: (string | null)[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) {
    if (reason !== null) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([reason, count]) => `${count} ${reason}`)
    .join(", ");
}
