/**
 * The laws of the layout, as data. `oxlint-plugin.mjs` enforces them on every source file, and `architecture.test.mjs`
 * plants one violation of each and expects the linter to fail. Paths are relative to the root, with "/".
 */

/** Every workspace package: its folder and the packages it may import. A package not listed may not exist. */
export const PACKAGES = {
  contracts: { folder: "libs/contracts", mayImport: [] },
  stats: { folder: "libs/stats", mayImport: [] },
  gguf: { folder: "libs/gguf", mayImport: [] },
  signatures: { folder: "libs/signatures", mayImport: ["contracts"] },
  "embedded-postgres": { folder: "libs/embedded-postgres", mayImport: [] },
  engines: { folder: "libs/engines", mayImport: ["contracts"] },
  "llama-core": { folder: "device-agents/llama-core", mayImport: ["contracts", "gguf"] },
  "agent-core": {
    folder: "device-agents/core",
    mayImport: ["contracts", "engines", "gguf", "signatures"],
  },
  "node-agent": {
    folder: "device-agents/node-agent",
    mayImport: ["agent-core", "contracts", "engines", "gguf", "llama-core"],
  },
  "control-plane": {
    folder: "apps/control-plane",
    mayImport: ["contracts", "engines", "gguf", "signatures", "stats"],
  },
  cli: {
    folder: "apps/cli",
    mayImport: [
      "agent-core",
      "contracts",
      "control-plane",
      "embedded-postgres",
      "engines",
      "gguf",
      "llama-core",
      "node-agent",
      "signatures",
      "stats",
    ],
  },
  dashboard: { folder: "apps/dashboard", mayImport: ["contracts"] },
};

/** The control plane's folders: each imports itself and those to its left. */
export const SLICES_FOLDER = "apps/control-plane/src";
export const SLICES = [
  "platform",
  "org",
  "catalogue",
  "device",
  "result",
  "run",
  "sweep",
  "matrix",
];

/** `.rules.ts` is pure: these packages and other rules are all it may import. */
export const RULES_SUFFIX = ".rules.ts";
export const RULES_MAY_IMPORT = ["contracts", "engines", "stats"];
/** Digests are pure; whatever draws at random is not. */
export const RULES_MAY_IMPORT_NAMES = {
  "node:crypto": ["createHash", "createHmac", "timingSafeEqual"],
};

const PLATFORM = /^apps\/control-plane\/src\/platform\//;
const DATABASE = /^apps\/control-plane\/src\/platform\/database\//;
const QUEUE = /^apps\/control-plane\/src\/platform\/queue\//;
const STORE = /\.store\.ts$/;

/**
 * Modules with one owner: `module` matches an import (package name, or a path from the root), `owners` the files that
 * may import it.
 */
export const OWNED_MODULES = [
  {
    module: /^(bullmq|@nestjs\/bullmq)(\/|$)/,
    owners: [QUEUE],
    say: "bullmq is imported only in platform/queue: the queue is a hint, behind one port",
  },
  {
    module: /^ioredis(\/|$)/,
    owners: [PLATFORM],
    say: "ioredis is imported only in platform",
  },
  {
    module: /^@prisma\/|^apps\/control-plane\/src\/platform\/database\/generated\//,
    owners: [STORE, DATABASE],
    say: "the Prisma client is imported only in *.store.ts and platform/database",
  },
  {
    module: /^(node:)?child_process$/,
    owners: [/-host\.ts$/, /^libs\/embedded-postgres\//, /^device-agents\/llama-core\//],
    say: "processes are started only in hosts (*-host.ts)",
  },
];

/** Ambient things with one owner: `member` reads like the source, "new Date()" means without arguments. */
export const OWNED_GLOBALS = [
  {
    members: ["process.env"],
    owners: [/(^|\/)config\.ts$/],
    say: "process.env is read only in config.ts",
  },
  {
    members: ["Date.now", "new Date()", "Date()"],
    owners: [/(^|\/)clock\.ts$/],
    say: "the wall clock is read only in clock.ts: take a Clock, or measure with performance.now()",
  },
];

/** Names that say nothing about what is inside. */
export const EMPTY_NAMES = [
  "utils",
  "util",
  "common",
  "helpers",
  "helper",
  "manager",
  "misc",
  "shared",
];
export const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9-]+)*$/;
/** An index is a package's door, one for each entry of its `exports`. */
export const DOORS = [/^src\/index\.ts$/, /^src\/testing\/index\.ts$/];

/** Tests, what they are built from, and everything outside the packages (tools, bench, e2e) may reach anywhere. */
export function isExempt(path) {
  return (
    path.startsWith("apps/control-plane/src/platform/testing/") ||
    /\.(test|fixture)\.[cm]?[jt]sx?$/.test(path) ||
    !Object.values(PACKAGES).some(({ folder }) => path.startsWith(`${folder}/src/`))
  );
}
