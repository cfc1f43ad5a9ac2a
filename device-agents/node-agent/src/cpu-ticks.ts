/** Ticks of all processors together since the system started, in any unit. */
export interface CpuTicks {
  total: number;
  idle: number;
  /** Given to others by a hypervisor; null where the system does not count it. */
  steal: number | null;
}

/** The `cpu` line of /proc/stat (proc_stat(5)). `guest` and `guest_nice` are in `user` and `nice` already. */
export function parseProcStat(text: string): CpuTicks | null {
  const fields = /^cpu\s+(.+)$/m.exec(text)?.[1]?.trim().split(/\s+/).map(Number);
  if (
    fields === undefined ||
    fields.length < 4 ||
    fields.some((ticks) => !Number.isFinite(ticks))
  ) {
    return null;
  }
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal] =
    fields;
  return {
    total: user + nice + system + idle + iowait + irq + softirq + (steal ?? 0),
    idle: idle + iowait,
    steal: steal ?? null,
  };
}

/** The times of Node's `os.cpus()`, for systems without /proc. */
export function ticksOfCpus(
  cpus: readonly {
    times: { user: number; nice: number; sys: number; idle: number; irq: number };
  }[],
): CpuTicks | null {
  if (cpus.length === 0) return null;
  let total = 0;
  let idle = 0;
  for (const { times } of cpus) {
    total += times.user + times.nice + times.sys + times.idle + times.irq;
    idle += times.idle;
  }
  return { total, idle, steal: null };
}

export interface CpuShares {
  /** Share of the time in which processors worked, stolen time left out of the work but not of the time. */
  busyFraction: number | null;
  stealFraction: number | null;
}

/** Shares between two readings; null when no time passed or a counter went back. */
export function sharesBetween(before: CpuTicks | null, after: CpuTicks | null): CpuShares {
  const unknown = { busyFraction: null, stealFraction: null };
  if (before === null || after === null) return unknown;
  const total = after.total - before.total;
  const idle = after.idle - before.idle;
  if (total <= 0 || idle < 0) return unknown;
  const steal =
    before.steal === null || after.steal === null ? null : Math.max(0, after.steal - before.steal);
  const share = (ticks: number) => Math.min(1, Math.max(0, ticks / total));
  return {
    busyFraction: share(total - idle - (steal ?? 0)),
    stealFraction: steal === null ? null : share(steal),
  };
}
