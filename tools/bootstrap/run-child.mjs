import { spawn } from "node:child_process";
import { constants } from "node:os";

import { ROOT } from "./checkout.mjs";

/** SIGINT is forwarded only without a terminal: a terminal has sent it to the whole process group already. */
const FORWARDED = ["SIGTERM", "SIGHUP", "SIGINT"];

function follow(child) {
  return new Promise((resolve, reject) => {
    const handlers = FORWARDED.map((signal) => [
      signal,
      () => {
        if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
      },
    ]);
    for (const [signal, handler] of handlers) process.on(signal, handler);
    const settle = (done) => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      done();
    };
    child.on("error", (error) => settle(() => reject(error)));
    child.on("close", (code, signal) =>
      settle(() => resolve(code ?? 128 + (constants.signals[signal] ?? 0))),
    );
  });
}

/**
 * Runs a program in the root, its output going where ours goes (`stdout: "ignore"` drops stdout). Resolves to its exit
 * code, 128 + n for signal n.
 */
export function runChild(file, args, { env = {}, stdout = "inherit" } = {}) {
  return follow(
    spawn(file, args, {
      cwd: ROOT,
      stdio: ["inherit", stdout, "inherit"],
      env: { ...process.env, ...env },
    }),
  );
}

/** The same with stdout and stderr together kept instead of shown: `{ code, output }`. */
export async function captureChild(file, args, { env = {}, shell = false } = {}) {
  const child = spawn(file, args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    shell,
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  return { code: await follow(child), output };
}

/** Runs a JavaScript program with this Node. */
export function runNode(script, args, options) {
  return runChild(process.execPath, [script, ...args], options);
}

export function captureNode(script, args, options) {
  return captureChild(process.execPath, [script, ...args], options);
}
