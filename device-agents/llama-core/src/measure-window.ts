import { readFileSync } from "node:fs";

/** What happened to the process and the machine between two instants. Null: this system does not say. */
export interface WindowCost {
  /** CPU time of the whole process, all threads, user and system. */
  readonly cpuNs: number;
  /** Time the calling (first compute) thread was ready to run but had no CPU; Linux only. */
  readonly runDelayNs: number | null;
  /** CPU time that the hypervisor gave to others, summed over CPUs, in steps of one tick; Linux only. */
  readonly stealNs: number | null;
}

/** Counters at one instant, as read by {@link readCounters}. */
export interface Counters {
  readonly cpuMicros: number;
  readonly runDelayNs: number | null;
  readonly stealTicks: number | null;
}

/** `USER_HZ`: the unit of `/proc/stat` on every Linux that Node supports. */
const TICK_NS = 10_000_000;

/** Reads the counters now. Costs some tens of microseconds: call it outside the timed window. */
export function readCounters(): Counters {
  const { user, system } = process.cpuUsage();
  return {
    cpuMicros: user + system,
    runDelayNs: parseRunDelay(readProc("/proc/self/schedstat")),
    stealTicks: parseSteal(readProc("/proc/stat")),
  };
}

/** The difference of two readings; null where either reading lacks the counter. */
export function costBetween(before: Counters, after: Counters): WindowCost {
  const difference = (from: number | null, to: number | null): number | null =>
    from === null || to === null ? null : to - from;
  const stealTicks = difference(before.stealTicks, after.stealTicks);
  return {
    cpuNs: (after.cpuMicros - before.cpuMicros) * 1000,
    runDelayNs: difference(before.runDelayNs, after.runDelayNs),
    stealNs: stealTicks === null ? null : stealTicks * TICK_NS,
  };
}

/** Second field of `/proc/<pid>/schedstat`: nanoseconds spent waiting on a run queue. */
export function parseRunDelay(text: string | null): number | null {
  const field = text?.trim().split(/\s+/u)[1];
  return field !== undefined && /^\d+$/u.test(field) ? Number(field) : null;
}

/** Eighth number of the `cpu` line of `/proc/stat`: ticks stolen by the hypervisor. */
export function parseSteal(text: string | null): number | null {
  const field = /^cpu\s+(.+)$/mu
    .exec(text ?? "")?.[1]
    ?.trim()
    .split(/\s+/u)[7];
  return field !== undefined && /^\d+$/u.test(field) ? Number(field) : null;
}

function readProc(path: string): string | null {
  if (process.platform !== "linux") return null;
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
