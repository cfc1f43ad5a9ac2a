import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

/** The agent's only source of time. */
export interface Clock {
  /** Milliseconds since 1970; may jump. Never decides a lease or measures a duration. */
  wallMs(): number;
  /** Milliseconds of a clock that never goes back; its zero means nothing. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` is aborted; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch {
      // Aborted: the caller looks at the signal.
    }
  },
};
