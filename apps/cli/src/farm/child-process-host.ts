import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** A part of the farm that runs in a process of its own. */
export interface FarmProcess {
  readonly pid: number;
  /** Resolves when the process has ended, however it did. */
  readonly ended: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
  /** Asks it to end (SIGTERM), insists (SIGKILL) after `graceMs`; resolves when it has ended. */
  stop(graceMs?: number): Promise<void>;
  /** The last lines of its log. */
  logTail(lines: number): string;
}

/**
 * Starts `node args` with its output in `logFile`. The child holds a channel to this process and ends by itself when the channel
 * closes, so that killing this process with -9 leaves nothing behind.
 */
export function startFarmProcess(
  args: string[],
  environment: NodeJS.ProcessEnv,
  logFile: string,
): FarmProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile, { flags: "a" });
  // A process group of its own: Ctrl-C in the terminal reaches this process alone, which then stops its children in order.
  const child: ChildProcess = spawn(process.execPath, args, {
    env: environment,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: process.platform !== "win32",
  });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const ended = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.once("error", () => done({ exitCode: null, signal: null }));
    child.once("exit", (exitCode, signal) => {
      log.end();
      done({ exitCode, signal });
    });
  });
  return {
    pid: child.pid ?? -1,
    ended,
    async stop(graceMs = 15_000) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(timer);
    },
    logTail(lines) {
      try {
        return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
      } catch {
        return "";
      }
    },
  };
}

/** In a child: calls `stop` once, when the parent's channel closes or a signal asks. */
export function stopWithParent(stop: () => void): void {
  let stopped = false;
  const once = () => {
    if (stopped) return;
    stopped = true;
    stop();
  };
  process.once("disconnect", once);
  // A process that has nothing left to do ends, channel or not.
  process.channel?.unref();
  process.once("SIGTERM", once);
  process.once("SIGINT", once);
}
