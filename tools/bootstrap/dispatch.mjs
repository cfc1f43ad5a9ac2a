import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { buildStale, staleSteps } from "./build-stale.mjs";
import { withCheckoutLock } from "./checkout-lock.mjs";
import { ExpectedFailure, ROOT, at, exists } from "./checkout.mjs";
import { installPackages, isInstalled } from "./install-packages.mjs";
import { runCheck } from "./run-check.mjs";
import { runDev } from "./run-dev.mjs";
import { runTests } from "./run-tests.mjs";

const CLI = "apps/cli/bin/benchfarm.mjs";
const OPENAPI = "apps/control-plane/dist/openapi-main.js";

/**
 * What each npm script installs (see InstallMode) and runs. `run` resolves to the exit code, if it has one. The check
 * builds by itself, as one of its gates.
 */
const COMMANDS = {
  demo: { install: "production", run: (args) => becomeProgram(CLI, ["demo", ...args]) },
  benchfarm: { install: "production", run: (args) => becomeProgram(CLI, args) },
  build: { install: "production", run: async () => 0 },
  dev: { install: "full", run: runDev },
  bench: { install: "full", run: runBench },
  openapi: { install: "full", run: (args) => becomeProgram(OPENAPI, args) },
  check: { install: "full", builds: false, run: runCheck },
  // Whoever reads the closing line finds it even when nothing could be built.
  test: { install: "full", run: runTests, lineOnFailure: "0 passed, 1 failed" },
};

/** Makes the checkout ready for `name`, then runs it. Sets the process's exit code. */
export async function dispatch(name, args) {
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new ExpectedFailure(
      `unknown command "${name ?? ""}"; there are: ${Object.keys(COMMANDS).join(", ")}`,
    );
  }
  process.chdir(ROOT);
  try {
    await prepare(command.install, command.builds ?? true);
  } catch (error) {
    if (!error.expected || command.lineOnFailure === undefined) throw error;
    process.stderr.write(`${error.message}\n`);
    process.stdout.write(`${command.lineOnFailure}\n`);
    process.exitCode = 1;
    return;
  }
  const code = await command.run(args);
  if (typeof code === "number") process.exitCode = code;
}

async function prepare(mode, builds) {
  if (isInstalled(mode) && (!builds || staleSteps().length === 0)) return;
  await withCheckoutLock(async () => {
    if (!isInstalled(mode)) await installPackages(mode);
    if (builds) await buildStale();
  });
}

/**
 * Runs a program inside this process, as if it had been started with `args`: signals, terminal and exit code are its own.
 */
async function becomeProgram(path, args) {
  if (!exists(path)) throw new ExpectedFailure(`${path} is missing; run "npm run build"`);
  process.argv = [process.execPath, at(path), ...args];
  await import(pathToFileURL(at(path)).href);
}

async function runBench([name, ...args]) {
  const known = readdirSync(at("bench"))
    .filter((file) => file.endsWith(".mjs"))
    .map((file) => file.slice(0, -".mjs".length));
  if (name === undefined || !known.includes(name)) {
    throw new ExpectedFailure(
      `npm run bench -- NAME; NAME is one of: ${known.join(", ") || "(none yet)"}`,
    );
  }
  return becomeProgram(`bench/${name}.mjs`, args);
}
