import { execFile } from "node:child_process";

/** Runs a system command and gives what it printed; null when it is missing, fails, or takes longer than `timeoutMs`. */
export type RunCommand = (
  command: string,
  args: string[],
  timeoutMs?: number,
) => Promise<string | null>;

export const runCommand: RunCommand = (command, args, timeoutMs = 10_000) =>
  new Promise((resolve) => {
    execFile(
      command,
      args,
      { timeout: timeoutMs, maxBuffer: 4 << 20, windowsHide: true, encoding: "utf8" },
      (error, stdout) => resolve(error === null ? stdout : null),
    );
  });
