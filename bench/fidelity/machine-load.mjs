import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const TICKS_PER_SECOND = 100;

/**
 * CPU seconds since boot that the machine spent busy or lost to its hypervisor, and those of this process and its ended
 * children. Null where there is no /proc.
 */
function readCpuSeconds() {
  if (process.platform !== "linux") return null;
  const cpu =
    /^cpu\s+(.+)$/mu.exec(readFileSync("/proc/stat", "utf8"))?.[1]?.split(/\s+/u).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = cpu;
  // Fields after the parenthesised command name, which may hold spaces: state is field 3, utime field 14.
  const own =
    readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ").map(Number) ?? [];
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = own.slice(11, 15);
  return {
    busy: (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND,
    own: (utime + stime + cutime + cstime) / TICKS_PER_SECOND,
  };
}

/**
 * Starts to watch who uses the CPUs. The returned function gives the share (0 to 1) of all CPUs that others than this
 * process and its ended children took since; null where the system does not tell.
 */
export function watchOthers() {
  const before = readCpuSeconds();
  const start = process.hrtime.bigint();
  return () => {
    const after = readCpuSeconds();
    if (before === null || after === null) return null;
    const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9;
    const others = after.busy - before.busy - (after.own - before.own);
    return Math.max(0, others) / (wallSeconds * availableParallelism());
  };
}

/** Waits until others take less than `share` of the CPUs for a second; false when that did not come in time. */
export async function waitForQuiet(share, deadlineMs) {
  const end = performance.now() + deadlineMs;
  do {
    const others = watchOthers();
    await sleep(1000);
    const taken = others();
    if (taken === null || taken < share) return true;
  } while (performance.now() < end);
  return false;
}
