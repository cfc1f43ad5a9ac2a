import { buildStale } from "./build-stale.mjs";
import { withCheckoutLock } from "./checkout-lock.mjs";
import { at } from "./checkout.mjs";
import { packageProgram } from "./package-program.mjs";
import { captureNode } from "./run-child.mjs";

async function build() {
  try {
    await withCheckoutLock(buildStale);
    return { code: 0, output: "" };
  } catch (error) {
    if (!error.expected) throw error;
    return { code: 1, output: error.message };
  }
}

/** The gates, in order. The linter needs the types that the build generates. */
const GATES = [
  [
    "format",
    () => captureNode(packageProgram("prettier", "prettier"), ["--check", "--log-level=warn", "."]),
  ],
  ["build and types", build],
  ["lint and architecture", () => captureNode(at("tools", "lint.mjs"), [])],
  [
    "types of tests",
    () => captureNode(packageProgram("typescript", "tsc"), ["-p", "tsconfig.test.json"]),
  ],
  [
    "types of the dashboard's tests",
    () =>
      captureNode(packageProgram("typescript", "tsc"), ["-p", "apps/dashboard/tsconfig.test.json"]),
  ],
  ["database schema", () => captureNode(packageProgram("prisma", "prisma"), ["validate"])],
  ["OpenAPI drift", () => captureNode(at("apps/control-plane/dist/openapi-main.js"), ["--check"])],
];

/**
 * `npm run check`: runs every gate, shows the output of those that fail. Resolves to 0 only when all pass.
 */
export async function runCheck() {
  let failures = 0;
  for (const [name, run] of GATES) {
    const startMs = performance.now();
    const { code, output } = await run();
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)\n`);
    if (code !== 0) {
      failures += 1;
      process.stdout.write(`${output.trimEnd()}\n\n`);
    }
  }
  process.stdout.write(
    failures === 0 ? "all checks passed\n" : `${failures} of ${GATES.length} checks failed\n`,
  );
  return failures === 0 ? 0 : 1;
}
