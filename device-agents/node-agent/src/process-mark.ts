import type { ProcessMark } from "@benchfarm/agent-core";
import type { RunCommand } from "./command-host.js";
import { readText } from "./read-text.js";

/** Field 22 of /proc/<pid>/stat (proc_pid_stat(5)): the process's start in ticks since boot. The name before it may hold spaces. */
export function parseStartTicks(stat: string): string | null {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

/** What tells this process from any other that has its pid at another time; null when the system does not tell. */
export async function readStart(
  pid: number,
  platform: string,
  run: RunCommand,
): Promise<string | null> {
  if (platform === "linux") {
    const [stat, boot] = await Promise.all([
      readText(`/proc/${pid}/stat`),
      readText("/proc/sys/kernel/random/boot_id"),
    ]);
    const ticks = stat === null ? null : parseStartTicks(stat);
    return ticks === null ? null : `${boot ?? ""}/${ticks}`;
  }
  if (platform === "win32") {
    const query = `(Get-Process -Id ${pid} -ErrorAction SilentlyContinue).StartTime.ToFileTimeUtc()`;
    const text = await run("powershell", ["-NoProfile", "-NonInteractive", "-Command", query]);
    return text === null || text.trim() === "" ? null : text.trim();
  }
  const text = await run("ps", ["-o", "lstart=", "-p", String(pid)]);
  return text === null || text.trim() === "" ? null : text.trim();
}

/** Ends a process by force if it is still the one that was marked; a mark without a start is never acted on. */
export async function endMarked(
  mark: ProcessMark,
  platform: string,
  run: RunCommand,
): Promise<boolean> {
  if (mark.startedAs === null) return false;
  if ((await readStart(mark.pid, platform, run)) !== mark.startedAs) return false;
  try {
    process.kill(mark.pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}
