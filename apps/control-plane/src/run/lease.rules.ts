import type { AttemptPhase } from "@benchfarm/contracts";

/** The order of an attempt's phases; a heartbeat may only move it forward, and only a verb of the farm ends it. */
const PHASES: readonly AttemptPhase[] = [
  "offered",
  "accepted",
  "preparing",
  "gating",
  "measuring",
  "finalizing",
  "ended",
];

/** The phase after a heartbeat that reports `reported`. The twin in SQL is in lease.store.ts. */
export function phaseAfterHeartbeat(held: AttemptPhase, reported: AttemptPhase): AttemptPhase {
  if (reported === "ended" || held === "ended") return held;
  return PHASES.indexOf(reported) > PHASES.indexOf(held) ? reported : held;
}

/** How long a lease is renewed for: a quiet window that the agent announces is covered, within the farm's bound. */
export function leaseDurationMs(leaseMs: number, quietMs: number, maxQuietMs: number): number {
  return leaseMs + Math.min(quietMs, maxQuietMs);
}
