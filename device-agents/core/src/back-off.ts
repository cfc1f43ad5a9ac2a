import type { Clock } from "./clock.js";

/** A duration between 80 % and 120 % of `ms`, so that many agents do not move in step. */
export function withJitter(ms: number, random: () => number = Math.random): number {
  return ms * (0.8 + 0.4 * random());
}

/** Waits that double from `firstMs` to `mostMs`, each with jitter, until `reset`. */
export class BackOff {
  private failures = 0;

  constructor(
    private readonly clock: Clock,
    private readonly firstMs = 500,
    private readonly mostMs = 30_000,
  ) {}

  async wait(signal?: AbortSignal, atLeastMs = 0): Promise<void> {
    const ms = Math.min(this.mostMs, this.firstMs * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 30);
    await this.clock.sleep(Math.max(atLeastMs, withJitter(ms)), signal);
  }

  reset(): void {
    this.failures = 0;
  }
}
