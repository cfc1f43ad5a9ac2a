import { at } from "./checkout.mjs";
import { packageProgram } from "./package-program.mjs";
import { captureNode } from "./run-child.mjs";

/** The gates, in order. The compiler has run already when this starts; it is asked again so that the list is whole. */
const GATES = [
  [
    "format",
    () => captureNode(packageProgram("prettier", "prettier"), ["--check", "--log-level=warn", "."]),
  ],
  ["lint and architecture", () => captureNode(at("tools", "lint.mjs"), [])],
  ["types", () => captureNode(packageProgram("typescript", "tsc"), ["-b"])],
  [
    "types of tests",
    () => captureNode(packageProgram("typescript", "tsc"), ["-p", "tsconfig.test.json"]),
  ],
  ["database schema", () => captureNode(packageProgram("prisma", "prisma"), ["validate"])],
  ["OpenAPI drift", () => captureNode(at("apps/control-plane/dist/openapi-main.js"), ["--check"])],
];

/** `npm run check`: runs every gate, shows the output of those that fail. Resolves to 0 only when all pass. */
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
