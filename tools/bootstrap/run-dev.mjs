import { spawn } from "node:child_process";

import { ROOT, exists } from "./checkout.mjs";
import { packageProgram } from "./package-program.mjs";

/**
 * `npm run dev`: the farm of `benchfarm up`, restarted whenever the compiler has written a changed program, and the
 * dashboard rebuilt as it is edited. Arguments go to `benchfarm up`. Ends, and ends all, when one of them ends.
 */
export async function runDev(args) {
  const programs = [
    [packageProgram("typescript", "tsc"), "-b", "--watch", "--preserveWatchOutput"],
    ["--watch", "--watch-preserve-output", "apps/cli/bin/benchfarm.mjs", "up", ...args],
  ];
  if (exists("apps/dashboard/vite.config.ts")) {
    programs.push([packageProgram("vite", "vite"), "build", "apps/dashboard", "--watch"]);
  }
  const children = programs.map((program) =>
    spawn(process.execPath, program, { cwd: ROOT, stdio: "inherit" }),
  );
  const endAll = (signal) => {
    for (const child of children) child.kill(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal has sent its SIGINT to the children already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) endAll(signal);
    });
  }
  const codes = await Promise.all(
    children.map(
      (child) =>
        new Promise((resolve) => {
          child.on("error", () => resolve(1));
          child.on("close", (code) => {
            endAll("SIGTERM");
            resolve(code ?? 0);
          });
        }),
    ),
  );
  return Math.max(...codes);
}
