import { Injectable } from "@nestjs/common";

/**
 * This machine's time. Leases and every stored instant use the database's clock instead; this one serves signatures, caches, logs
 * and durations.
 */
@Injectable()
export class Clock {
  /** The wall clock. */
  now(): Date {
    return new Date();
  }

  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  monotonicMs(): number {
    return performance.now();
  }
}
