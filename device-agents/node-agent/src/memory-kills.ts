import { readText } from "./read-text.js";

/** `oom_kill` of cgroup v2's memory.events, or of /proc/vmstat: how often the kernel ended a process for want of memory. */
export function parseOomKills(text: string): number | null {
  const count = /^oom_kill (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}

/** This process's cgroup v2 folder from /proc/self/cgroup, such as `/user.slice`; null without one. */
export function parseCgroupPath(text: string): string | null {
  return /^0::(\/.*)$/m.exec(text)?.[1] ?? null;
}

/** How often the kernel ended processes around this one for want of memory; null when it does not tell. */
export async function readOomKills(platform: string): Promise<number | null> {
  if (platform !== "linux") return null;
  const path = parseCgroupPath((await readText("/proc/self/cgroup")) ?? "");
  const events = path === null ? null : await readText(`/sys/fs/cgroup${path}/memory.events`);
  return parseOomKills(events ?? "") ?? parseOomKills((await readText("/proc/vmstat")) ?? "");
}
