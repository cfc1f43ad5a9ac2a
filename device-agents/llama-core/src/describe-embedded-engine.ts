import { fileURLToPath } from "node:url";
import { digestBuild } from "./digest-build.js";
import { LLAMA_RELEASE } from "./embedded-release.js";
import { EngineUnavailableError } from "./engine-errors.js";
import { findLibraries } from "./find-libraries.js";

/** The identity of the embedded engine on this machine. */
export interface EmbeddedEngine {
  readonly engine: "llama.cpp";
  /** llama.cpp's own release name, e.g. `v0.4.0`. */
  readonly version: string;
  /** npm package and version that carry the libraries, e.g. `@node-llama-cpp/linux-x64@3.21.1`. */
  readonly package: string;
  /** Lower-case hex sha256 over the shared libraries' names and contents. */
  readonly buildDigest: string;
  /** Backends the package can provide (`cpu` always); whether a device exists for one is only known at run. */
  readonly backends: readonly string[];
}

/** How to choose between the native packages of one machine. */
export interface EngineChoice {
  /** A package other than the machine's default one, e.g. `@node-llama-cpp/linux-x64-vulkan`. */
  readonly packageName?: string;
}

/**
 * Describes the engine that {@link llamaBenchProgramPath} would run, from files only: no native code is
 * loaded into the calling process.
 *
 * @returns null when no prebuilt llama.cpp exists for this machine or the package is not installed
 * @throws EngineUnavailableError when a package is there but broken (another version, missing libraries)
 */
export async function describeEmbeddedEngine(
  choice: EngineChoice = {},
): Promise<EmbeddedEngine | null> {
  try {
    const found = findLibraries(choice.packageName);
    return {
      engine: "llama.cpp",
      version: LLAMA_RELEASE,
      package: `${found.packageName}@${found.packageVersion}`,
      buildDigest: await digestBuild(found.directory, found.fileNames),
      backends: found.names.backends,
    };
  } catch (error) {
    if (
      error instanceof EngineUnavailableError &&
      (error.reason === "unsupported_platform" || error.reason === "package_not_installed")
    ) {
      return null;
    }
    throw error;
  }
}

/** A program and the arguments that come before its own flags. */
export interface ProgramPath {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * V8's compiler and collector threads would take a CPU from the compute threads, which is seen in the first samples of
 * small models on small machines. The program's own JavaScript is a few calls per token and needs neither.
 */
const QUIET_NODE = ["--no-opt", "--single-threaded"];

/**
 * How to spawn the embedded llama-bench-compatible program: `spawn(command, [...args, ...flags])`. It needs
 * this package built (`dist/`).
 */
export function llamaBenchProgramPath(choice: EngineChoice = {}): ProgramPath {
  const program = fileURLToPath(new URL("../bin/llama-bench.mjs", import.meta.url));
  const chosen = choice.packageName === undefined ? [] : ["--native-package", choice.packageName];
  return { command: process.execPath, args: [...QUIET_NODE, program, ...chosen] };
}
