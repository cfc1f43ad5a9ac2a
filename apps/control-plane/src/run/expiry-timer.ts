import { Injectable } from "@nestjs/common";
import { Clock } from "../platform/clock.js";
import type { TimerEntry } from "./timer.store.js";

/**
 * Reminders for the moment a lease may be over. The truth is `attempt.lease_until`, and one look finds every lease that is over, so
 * one reminder per second serves any number of leases: hundreds of claims a second cost the queue one task. A reminder lost with a
 * rolled-back transaction costs time only, because the reconciler looks too.
 */
@Injectable()
export class ExpiryTimer {
  readonly #clock: Clock;
  readonly #armed = new Set<number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The reminder to write for a lease that ends in `durationMs`, or null when this process has written one for that second. */
  reminderIn(durationMs: number): TimerEntry | null {
    const nowMs = this.#clock.now().getTime();
    const second = Math.floor((nowMs + durationMs) / 1000) + 1;
    if (this.#armed.has(second)) return null;
    for (const past of this.#armed) if (past * 1000 < nowMs) this.#armed.delete(past);
    this.#armed.add(second);
    return { key: `second-${second}`, delayMs: second * 1000 - nowMs };
  }
}
