// Plants one violation of each law in a copy of the layout and expects the linter, with the real configuration, to find
// exactly that; and expects the same layout without them to pass. A linter that sees nothing fails both.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { PACKAGES, SLICES, SLICES_FOLDER } from "./rules.mjs";

const ROOT = join(__dirname, "..", "..");
const CP = SLICES_FOLDER;

/** [what is planted, file, its source, the rule that must object, what it must say] */
const PLANTS = [
  [
    "the dashboard imports more than contracts",
    "apps/dashboard/src/plant.ts",
    `import { x } from "@benchfarm/stats"; export const y = x;`,
    "imports",
    /dashboard may not import stats/,
  ],
  [
    "engines import more than contracts",
    "libs/engines/src/plant.ts",
    `import { x } from "@benchfarm/gguf"; export const y = x;`,
    "imports",
    /engines may not import gguf/,
  ],
  [
    "contracts import a package",
    "libs/contracts/src/plant.ts",
    `export * from "@benchfarm/stats";`,
    "imports",
    /contracts may not import stats/,
  ],
  [
    "agent-core imports llama-core",
    "device-agents/core/src/plant.ts",
    `import type { X } from "@benchfarm/llama-core"; export type Y = X;`,
    "imports",
    /agent-core may not import llama-core/,
  ],
  [
    "node-agent imports the control plane, dynamically",
    "device-agents/node-agent/src/plant.ts",
    `export const y = await import("@benchfarm/control-plane");`,
    "imports",
    /node-agent may not import control-plane/,
  ],
  [
    "a package is reached by a relative path",
    "libs/engines/src/deep.ts",
    `import { x } from "../../contracts/src/index.js"; export const y = x;`,
    "imports",
    /leaves the package/,
  ],
  [
    "a package is reached behind its door",
    "libs/engines/src/door.ts",
    `import { x } from "@benchfarm/contracts/dist/id.js"; export const y = x;`,
    "imports",
    /behind the door/,
  ],
  [
    "a test double is used in a program",
    "device-agents/core/src/double.ts",
    `import { x } from "@benchfarm/engines/testing"; export const y = x;`,
    "imports",
    /is for tests/,
  ],
  [
    "a dependency is not declared",
    "libs/stats/src/undeclared.ts",
    `import { x } from "zod"; export const y = x;`,
    "imports",
    /zod is not a dependency/,
  ],
  ...SLICES.slice(0, -1).map((slice, index) => [
    `slice ${slice} imports to its right`,
    `${CP}/${slice}/plant-right.ts`,
    `import { x } from "../${SLICES[index + 1]}/plain.js"; export const y = x;`,
    "imports",
    new RegExp(`${slice} may not import ${SLICES[index + 1]}`),
  ]),
  [
    "a slice imports a type to its right",
    `${CP}/device/plant-type.ts`,
    `import type { X } from "../sweep/plain.js"; export type Y = X;`,
    "imports",
    /device may not import sweep/,
  ],
  [
    "a slice imports to its right from a deeper folder",
    `${CP}/org/inner/plant.ts`,
    `export { x } from "../../run/plain.js";`,
    "imports",
    /org may not import run/,
  ],
  [
    "a slice imports the application",
    `${CP}/org/plant-root.ts`,
    `import { x } from "../plain.js"; export const y = x;`,
    "imports",
    /application's root/,
  ],
  [
    "rules import a store",
    `${CP}/run/plant-store.rules.ts`,
    `import { x } from "./plain.js"; export const y = x;`,
    "imports",
    /rules are pure/,
  ],
  [
    "rules import a framework",
    `${CP}/run/plant-nest.rules.ts`,
    `import { x } from "@nestjs/common"; export const y = x;`,
    "imports",
    /rules are pure/,
  ],
  [
    "rules read files",
    `${CP}/run/plant-io.rules.ts`,
    `import { readFileSync } from "node:fs"; export const y = readFileSync;`,
    "imports",
    /rules are pure/,
  ],
  [
    "rules draw at random",
    `${CP}/run/plant-random.rules.ts`,
    `import { randomInt } from "node:crypto"; export const y = randomInt;`,
    "imports",
    /rules are pure/,
  ],
  [
    "rules import another package",
    `${CP}/run/plant-package.rules.ts`,
    `import { x } from "@benchfarm/signatures"; export const y = x;`,
    "imports",
    /rules are pure/,
  ],
  [
    "bullmq outside platform/queue",
    `${CP}/run/plant-queue.ts`,
    `import { Queue } from "bullmq"; export const y = Queue;`,
    "imports",
    /bullmq is imported only/,
  ],
  [
    "bullmq elsewhere in platform",
    `${CP}/platform/http/plant-queue.ts`,
    `import { Queue } from "bullmq"; export const y = Queue;`,
    "imports",
    /bullmq is imported only/,
  ],
  [
    "ioredis outside platform",
    `${CP}/run/plant-redis.ts`,
    `import { Redis } from "ioredis"; export const y = Redis;`,
    "imports",
    /ioredis is imported only/,
  ],
  [
    "Prisma outside stores",
    `${CP}/run/plant-prisma.ts`,
    `import { x } from "@prisma/client"; export const y = x;`,
    "imports",
    /Prisma client is imported only/,
  ],
  [
    "the generated client outside stores",
    `${CP}/run/plant-generated.ts`,
    `import type { X } from "../platform/database/generated/client.js"; export type Y = X;`,
    "imports",
    /Prisma client is imported only/,
  ],
  [
    "a process is started outside hosts",
    "apps/cli/src/plant-spawn.ts",
    `import { spawn } from "node:child_process"; export const y = spawn;`,
    "imports",
    /only in hosts/,
  ],
  [
    "a process is started with require",
    "apps/cli/src/plant-require.ts",
    `declare const require: (name: string) => unknown; export const y = require("child_process");`,
    "imports",
    /only in hosts/,
  ],
  [
    "the environment outside config.ts",
    "apps/cli/src/plant-env.ts",
    `export const y = process.env["HOME"];`,
    "ambient",
    /only in config\.ts/,
  ],
  [
    "the environment, destructured",
    `${CP}/run/plant-env.ts`,
    `const { env } = process; export const y = env;`,
    "ambient",
    /only in config\.ts/,
  ],
  [
    "the environment, imported",
    "device-agents/core/src/plant-env.ts",
    `import { env } from "node:process"; export const y = env;`,
    "ambient",
    /only in config\.ts/,
  ],
  [
    "the wall clock outside clock.ts",
    `${CP}/run/plant-now.ts`,
    `export const y = Date.now();`,
    "ambient",
    /only in clock\.ts/,
  ],
  [
    "a date of now",
    "device-agents/core/src/plant-date.ts",
    `export const y = new Date();`,
    "ambient",
    /only in clock\.ts/,
  ],
  [
    "a name that says nothing",
    "libs/stats/src/utils.ts",
    `export const y = 1;`,
    "names",
    /does not say what is inside/,
  ],
  [
    "a name in camel case",
    "libs/stats/src/someThing.ts",
    `export const y = 1;`,
    "names",
    /not kebab-case/,
  ],
  [
    "an index inside a package",
    `${CP}/run/index.ts`,
    `export const y = 1;`,
    "names",
    /only a package's door/,
  ],
];

/** Laws held by the linter's own rules: [what, file, source, the rule's code as the linter prints it]. */
const BUILT_IN_PLANTS = [
  [
    "a cycle",
    "libs/stats/src/cycle-a.ts",
    `import { b } from "./cycle-b.js"; export const a = (): unknown => b;`,
    "import(no-cycle)",
  ],
  [
    "a cycle's other half",
    "libs/stats/src/cycle-b.ts",
    `import { a } from "./cycle-a.js"; export const b = (): unknown => a;`,
    "import(no-cycle)",
  ],
  [
    "a promise that nobody waits for",
    "libs/stats/src/floating.ts",
    `async function f(): Promise<void> {} export function g(): void { f(); }`,
    "typescript(no-floating-promises)",
  ],
  [
    "a default export",
    "libs/stats/src/default-export.ts",
    `export default 1;`,
    "import(no-default-export)",
  ],
  [
    "an any",
    "libs/stats/src/any.ts",
    `export const y = (x: any): unknown => x;`,
    "typescript(no-explicit-any)",
  ],
];

/** What the laws allow, close to what they forbid. */
const CLEAN = {
  [`${CP}/plain.ts`]: `import { x } from "./matrix/plain.js"; export const y = x;`,
  ...Object.fromEntries(
    SLICES.map((slice) => [
      `${CP}/${slice}/plain.ts`,
      `export const x = 1; export type X = number;`,
    ]),
  ),
  [`${CP}/matrix/left.ts`]: `import { x } from "../platform/plain.js"; import { x as z } from "../run/plain.js"; export const y = [x, z];`,
  [`${CP}/run/fine.rules.ts`]: `import { createHash } from "node:crypto"; import { x } from "@benchfarm/stats"; import { z } from "../device/fine.rules.js"; export const y = [x, z, createHash];`,
  [`${CP}/device/fine.rules.ts`]: `import type { X } from "@benchfarm/contracts"; export const z = 1; export type Y = X;`,
  [`${CP}/run/run.store.ts`]: `import { x } from "@prisma/client"; import type { X } from "../platform/database/generated/client.js"; export const y = x; export type Y = X;`,
  [`${CP}/platform/queue/task-queue.ts`]: `import { Queue } from "bullmq"; import { Redis } from "ioredis"; export const y = [Queue, Redis];`,
  [`${CP}/platform/config.ts`]: `export const y = process.env["HOME"];`,
  [`${CP}/platform/clock.ts`]: `export const y = Date.now(); export const z = new Date();`,
  [`${CP}/run/instant.ts`]: `export const y = new Date(0); export const z = performance.now();`,
  [`${CP}/run/claim.test.ts`]: `import { Queue } from "bullmq"; export const y = [Queue, process.env, Date.now()];`,
  "device-agents/node-agent/src/local-host.ts": `import { spawn } from "node:child_process"; export const y = spawn;`,
  "libs/embedded-postgres/src/launch.ts": `import { spawn } from "node:child_process"; export const y = spawn;`,
  "libs/stats/src/index.ts": `export async function f(): Promise<void> { await f(); }`,
};

let folder;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "benchfarm-architecture-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the layout (configuration, laws, package manifests) with `files` in it; what the linter says of it. */
function lint(name, files) {
  const root = join(folder, name);
  const write = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const path of [".oxlintrc.json", "tsconfig.base.json"])
    write(path, readFileSync(join(ROOT, path), "utf8"));
  for (const file of ["rules.mjs", "oxlint-plugin.mjs"]) {
    write(
      `tools/architecture/${file}`,
      readFileSync(join(ROOT, "tools/architecture", file), "utf8"),
    );
  }
  write(
    "tsconfig.json",
    `{ "extends": "./tsconfig.base.json", "include": ["libs", "apps", "device-agents"] }`,
  );
  for (const { folder: home } of Object.values(PACKAGES)) {
    mkdirSync(join(root, home), { recursive: true });
    cpSync(join(ROOT, home, "package.json"), join(root, home, "package.json"));
  }
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"), "junction");
  for (const [path, text] of Object.entries(files)) write(path, `${text}\n`);
  const oxlint = join(ROOT, "node_modules", "oxlint", "bin", "oxlint");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [oxlint, "--deny-warnings", "-f", "json", "libs", "apps", "device-agents"],
    { cwd: root, encoding: "utf8" },
  );
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    throw new Error(`the linter printed no report: ${stdout}${stderr}`);
  }
  return {
    status,
    report,
    of: (path) => report.diagnostics.filter(({ filename }) => filename === path),
  };
}

describe("the laws of the layout", () => {
  const planted = [...PLANTS, ...BUILT_IN_PLANTS];
  let found;

  beforeAll(() => {
    const files = Object.fromEntries(planted.map(([, path, source]) => [path, source]));
    expect(Object.keys(files)).toHaveLength(planted.length);
    found = lint("planted", { ...CLEAN, ...files });
  });

  test("every file is seen, and the linter fails", () => {
    const expected = new Set([...Object.keys(CLEAN), ...planted.map(([, path]) => path)]).size;
    expect(found.report.number_of_files).toBe(expected);
    expect(found.status).not.toBe(0);
  });

  test.each(PLANTS)("%s", (_what, path, _source, rule, message) => {
    const said = found.of(path);
    expect(said.map(({ code }) => code)).toEqual([`architecture(${rule})`]);
    expect(said[0].message).toMatch(message);
  });

  test.each(BUILT_IN_PLANTS)("%s", (_what, path, _source, code) => {
    expect(found.of(path).map((diagnostic) => diagnostic.code)).toContain(code);
  });

  test("what is allowed passes", () => {
    const { status, report } = lint("clean", CLEAN);
    expect(report.diagnostics).toEqual([]);
    expect(report.number_of_files).toBe(Object.keys(CLEAN).length);
    expect(status).toBe(0);
  });
});

describe("the table of packages", () => {
  const folders = ["libs", "apps", "device-agents"].flatMap((parent) =>
    readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`),
  );
  const manifests = Object.fromEntries(
    folders.map((home) => [
      home,
      JSON.parse(readFileSync(join(ROOT, home, "package.json"), "utf8")),
    ]),
  );

  test("lists every workspace under its name", () => {
    const listed = Object.entries(PACKAGES).map(
      ([name, { folder: home }]) => `${home} @benchfarm/${name}`,
    );
    const present = folders.map((home) => `${home} ${manifests[home].name}`);
    expect(listed.sort()).toEqual(present.sort());
  });

  test("allows what the manifests declare", () => {
    for (const { folder: home, mayImport } of Object.values(PACKAGES)) {
      const own = Object.keys({
        ...manifests[home].dependencies,
        ...manifests[home].optionalDependencies,
      })
        .filter((name) => name.startsWith("@benchfarm/"))
        .map((name) => name.slice("@benchfarm/".length));
      expect({ home, beyond: own.filter((name) => !mayImport.includes(name)) }).toEqual({
        home,
        beyond: [],
      });
    }
  });
});
