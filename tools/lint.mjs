// Lints the whole repository, and fails when the linter saw next to nothing: a gate must not pass by being blind.
import { spawnSync } from "node:child_process";

import { ROOT } from "./bootstrap/checkout.mjs";
import { packageProgram } from "./bootstrap/package-program.mjs";

const FEWEST_FILES = 50;

const result = spawnSync(
  process.execPath,
  [
    packageProgram("oxlint", "oxlint"),
    "--deny-warnings",
    "--report-unused-disable-directives",
    ...process.argv.slice(2),
  ],
  { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
);
const output = `${result.stdout}${result.stderr}`;
process.stdout.write(output);
const files = Number(/on (\d+) files/.exec(output)?.[1] ?? 0);
if (process.argv.length === 2 && files < FEWEST_FILES) {
  process.stdout.write(
    `the linter saw only ${files} files: is .oxlintrc.json ignoring too much?\n`,
  );
  process.exitCode = 1;
} else {
  process.exitCode = result.status ?? 1;
}
