/**
 * Virtual finish times of runs that one org adds together (orchestration B8): each run finishes its estimated seconds after the one
 * before it, divided by the org's weight, starting no earlier than the pool's clock. An org that queues a night's work so gets
 * in nobody's way who comes later with one run. `lastVft` is the org's newest before; times are seconds.
 */
export function virtualFinishTimes(
  poolClock: number,
  lastVft: number,
  estimatesMs: readonly number[],
  weight = 1,
): number[] {
  let at = Math.max(poolClock, lastVft);
  return estimatesMs.map((ms) => (at += ms / 1000 / weight));
}
