import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readJson } from "./checkout.mjs";
import { packageProgram } from "./package-program.mjs";
import { runNode } from "./run-child.mjs";

/**
 * `npm test`: every Jest suite; arguments go to Jest. The last line counts the tests of all suites, a suite that could not
 * run counting as one failed test. Resolves to 0 only when something passed and nothing failed.
 */
export async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), "benchfarm-jest-"));
  const resultsPath = join(folder, "results.json");
  try {
    const code = await runNode(
      packageProgram("jest", "jest"),
      ["--json", `--outputFile=${resultsPath}`, ...args],
      { stdout: "ignore" },
    );
    const { line, ok } = summarizeJest(readJson(resultsPath));
    process.stdout.write(`${line}\n`);
    return ok ? code : code || 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The closing line of a Jest result (null: Jest wrote none, because it crashed or was interrupted).
 * @returns {{line: string, ok: boolean}}
 */
export function summarizeJest(results) {
  if (results === null) return { line: "0 passed, 1 failed", ok: false };
  const passed = results.numPassedTests;
  const brokenSuites = results.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed"),
  ).length;
  const failed = results.numFailedTests + brokenSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  const parts = [`${passed} passed`, `${failed} failed`];
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return {
    line: parts.join(", "),
    ok: results.success === true && failed === 0 && passed > 0 && !results.wasInterrupted,
  };
}
