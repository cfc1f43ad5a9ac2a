import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { ExecuteOptions, Execution } from "@benchfarm/agent-core";
import { runCommand } from "./command-host.js";
import { readOomKills } from "./memory-kills.js";
import { readStart } from "./process-mark.js";

/** What is kept of each stream, from its end. */
const STREAM_LIMIT = 1 << 20;
/** From the polite end of a process to the one by force. */
const GRACE_MS = 10_000;
/** How often the peak of a process's memory is read; the kernel keeps the peak, so little is missed. */
const PEAK_INTERVAL_MS = 500;

export interface ProcessSpec {
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  platform: string;
}

/** Collects a stream's end in bounded memory. */
class StreamEnd {
  private chunks: Buffer[] = [];
  private length = 0;

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    while (this.chunks.length > 1 && this.length - (this.chunks[0]?.length ?? 0) >= STREAM_LIMIT) {
      this.length -= this.chunks.shift()?.length ?? 0;
    }
  }

  text(): string {
    const all = Buffer.concat(this.chunks as Uint8Array[]);
    return all.subarray(Math.max(0, all.length - STREAM_LIMIT)).toString("utf8");
  }
}

/** `VmHWM` of /proc/<pid>/status in bytes: the largest resident set until now. */
export function parsePeakMemory(status: string): number | null {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/**
 * Runs one engine process with exactly this environment, and tells everything about its end. A process whose time is over, or that is
 * told to stop, gets SIGTERM and 10 s later SIGKILL (on Windows both end it at once). Never rejects.
 */
export async function runProcess(spec: ProcessSpec, options: ExecuteOptions): Promise<Execution> {
  const command = [spec.command, ...spec.args];
  const ended = (over: Partial<Extract<Execution, { kind: "ended" }>["output"]>): Execution => ({
    kind: "ended",
    output: {
      stdout: "",
      stderr: "",
      exitCode: null,
      signal: null,
      timedOut: false,
      outOfMemory: null,
      ...over,
    },
    peakMemoryBytes: null,
    command,
  });
  if (options.signal.aborted) return ended({ signal: "SIGTERM" });
  const killsBefore = await readOomKills(spec.platform);
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: spec.env,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const [stdout, stderr] = [new StreamEnd(), new StreamEnd()];
  child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));

  let timedOut = false;
  let wasStopped = false;
  let force: NodeJS.Timeout | undefined;
  const end = () => {
    child.kill("SIGTERM");
    force ??= setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  };
  const overdue = setTimeout(() => {
    timedOut = true;
    end();
  }, options.timeoutMs);
  const stop = () => {
    wasStopped = true;
    end();
  };
  options.signal.addEventListener("abort", stop);

  let peakMemoryBytes: number | null = null;
  const readPeak = async () => {
    if (spec.platform !== "linux" || child.pid === undefined) return;
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    const peak = parsePeakMemory(status);
    if (peak !== null) peakMemoryBytes = Math.max(peakMemoryBytes ?? 0, peak);
  };
  const peaks = setInterval(() => void readPeak(), PEAK_INTERVAL_MS);

  try {
    const closed = new Promise<{ exitCode: number | null; signal: string | null }>(
      (resolve, reject) => {
        child.once("error", reject);
        child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
      },
    );
    // Kept from being an unhandled rejection while the start is read.
    closed.catch(() => undefined);
    if (child.pid !== undefined) {
      const { pid } = child;
      options.onStart({ pid, startedAs: await readStart(pid, spec.platform, runCommand) });
    }
    const { exitCode, signal } = await closed;
    const killsAfter = signal === "SIGKILL" ? await readOomKills(spec.platform) : null;
    const byKernel =
      killsBefore === null || killsAfter === null
        ? null
        : killsAfter > killsBefore && !timedOut && !wasStopped;
    const execution = ended({
      stdout: stdout.text(),
      stderr: stderr.text(),
      exitCode,
      signal,
      timedOut,
      outOfMemory: signal === "SIGKILL" ? byKernel : null,
    });
    return execution.kind === "ended" ? { ...execution, peakMemoryBytes } : execution;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = error instanceof Error ? error.message : String(error);
    if (code === "ENOENT" || code === "EACCES" || code === "ENOEXEC") {
      return {
        kind: "missing",
        message: `${spec.command} cannot be started (${code}): ${message}`,
      };
    }
    return ended({ stderr: `the process could not be started: ${message}`, exitCode: 127 });
  } finally {
    clearTimeout(overdue);
    clearTimeout(force);
    clearInterval(peaks);
    options.signal.removeEventListener("abort", stop);
  }
}
