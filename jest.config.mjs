// Everything, node_modules included, is transformed to CommonJS: Nest 12 and its friends are ESM, and Jest's own ESM mode
// cannot load the CommonJS packages that require them on Node 20.
const swc = (parser) => [
  "@swc/jest",
  {
    jsc: {
      target: "es2022",
      parser,
      keepClassNames: true,
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: false,
        react: { runtime: "automatic" },
      },
    },
    module: { type: "commonjs" },
    sourceMaps: "inline",
  },
];

const rooms = {
  contracts: "libs/contracts",
  signatures: "libs/signatures",
  stats: "libs/stats",
  gguf: "libs/gguf",
  engines: "libs/engines",
  "embedded-postgres": "libs/embedded-postgres",
  "agent-core": "device-agents/core",
  "node-agent": "device-agents/node-agent",
  "llama-core": "device-agents/llama-core",
  "control-plane": "apps/control-plane",
  cli: "apps/cli",
};

export default {
  testEnvironment: "node",
  globalSetup: "<rootDir>/tools/jest-global-setup.mjs",
  globalTeardown: "<rootDir>/tools/jest-global-teardown.mjs",
  testTimeout: 30_000,
  maxWorkers: 2,
  testMatch: ["**/*.test.ts", "**/*.test.tsx", "**/*.test.mjs"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/\\.benchfarm/"],
  modulePathIgnorePatterns: ["<rootDir>/.*/dist/", "<rootDir>/\\.benchfarm/"],
  transformIgnorePatterns: [],
  moduleNameMapper: {
    ...Object.fromEntries(
      Object.entries(rooms).map(([name, dir]) => [
        `^@benchfarm/${name}$`,
        `<rootDir>/${dir}/src/index.ts`,
      ]),
    ),
    "^@benchfarm/engines/testing$": "<rootDir>/libs/engines/src/testing/index.ts",
    "^@benchfarm/agent-core/testing$": "<rootDir>/device-agents/core/src/testing/index.ts",
    "^(\\.{1,2}/.*)\\.js$": "$1",
  },
  transform: {
    "^.+\\.ts$": swc({ syntax: "typescript", tsx: false, decorators: true }),
    "^.+\\.tsx$": swc({ syntax: "typescript", tsx: true }),
    "^.+\\.m?js$": swc({ syntax: "ecmascript" }),
  },
};
