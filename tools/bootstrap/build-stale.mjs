import { ExpectedFailure, at, exists, readJson, sourcesDigest, writeJson } from "./checkout.mjs";
import { packageProgram } from "./package-program.mjs";
import { withProgress } from "./progress.mjs";
import { captureNode } from "./run-child.mjs";

const STAMPS_PATH = at(".cache", "build-stamps.json");
const PACKAGE_FILES = ["package-lock.json", "tsconfig.base.json", "tsconfig.json"];

function referencedProjects() {
  return readJson(at("tsconfig.json")).references.map(({ path }) => path);
}

/** True for projects whose program the compiler writes; the dashboard's `dist` is written by Vite. */
function isCompiled(project) {
  return readJson(at(project, "tsconfig.json"))?.compilerOptions?.outDir === "dist";
}

/**
 * The build, in order. A step is fresh when its sources are those of the last successful run and its outputs are there.
 * `sources` are paths from the root; `outputs` must exist afterwards.
 */
const STEPS = [
  {
    name: "database client",
    title: "Generating the database client",
    wanted: () => exists("prisma", "schema.prisma"),
    sources: () => ["prisma/schema.prisma", "prisma.config.ts", "package-lock.json"],
    outputs: () => ["apps/control-plane/src/platform/database/generated/client.ts"],
    run: () => captureNode(packageProgram("prisma", "prisma"), ["generate"]),
  },
  {
    name: "programs",
    title: "Compiling",
    wanted: () => true,
    sources: () => [
      ...PACKAGE_FILES,
      "prisma/schema.prisma",
      ...referencedProjects().flatMap((project) => [
        `${project}/src`,
        `${project}/tsconfig.json`,
        `${project}/package.json`,
      ]),
    ],
    outputs: () =>
      referencedProjects()
        .filter(isCompiled)
        .map((project) => `${project}/dist`),
    run: () => captureNode(packageProgram("typescript", "tsc"), ["-b"]),
  },
  {
    name: "dashboard",
    title: "Building the dashboard",
    wanted: () => ["ts", "js", "mjs"].some((ext) => exists("apps/dashboard", `vite.config.${ext}`)),
    sources: () => ["apps/dashboard", "libs/contracts/src", "package-lock.json"],
    outputs: () => ["apps/dashboard/dist/index.html"],
    run: () =>
      captureNode(packageProgram("vite", "vite"), [
        "build",
        "apps/dashboard",
        "--logLevel",
        "warn",
      ]),
  },
];

function digestOf(step) {
  return sourcesDigest(step.sources(), `node ${process.versions.node}`);
}

function isFresh(step, stamps) {
  return (
    !step.wanted() ||
    (step.outputs().every((path) => exists(path)) && stamps[step.name] === digestOf(step))
  );
}

/** The steps that have something to do. */
export function staleSteps() {
  const stamps = readJson(STAMPS_PATH) ?? {};
  return STEPS.filter((step) => !isFresh(step, stamps));
}

/**
 * Runs the stale steps in order. A step that fails stops the build and shows the tool's own output.
 * Call while holding the checkout's lock.
 */
export async function buildStale() {
  const stamps = readJson(STAMPS_PATH) ?? {};
  for (const step of STEPS) {
    if (isFresh(step, stamps)) continue;
    const digest = digestOf(step);
    const { code, output } = await withProgress(step.title, step.run);
    if (code !== 0) {
      throw new ExpectedFailure(`${output.trimEnd()}\n\n${step.title} failed (exit code ${code}).`);
    }
    const missing = step.outputs().filter((path) => !exists(path));
    if (missing.length > 0) {
      throw new ExpectedFailure(
        `${step.title} ended well but did not write ${missing.join(", ")}.`,
      );
    }
    stamps[step.name] = digest;
    writeJson(STAMPS_PATH, stamps);
  }
}
