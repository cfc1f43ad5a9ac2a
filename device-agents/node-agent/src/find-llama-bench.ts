import { createHash } from "node:crypto";
import { access, constants, mkdir, readdir, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Backend, DeviceEngine } from "@benchfarm/contracts";
import { Backend as BackendShape } from "@benchfarm/contracts";
import { makeFromRecipe, recipeOf } from "@benchfarm/gguf";
import { describeEmbeddedEngine, llamaBenchProgramPath } from "@benchfarm/llama-core";
import { digestFile } from "./digest-file.js";
import type { RunCommand } from "./command-host.js";

/** A llama-bench that this machine can run, and how. */
export interface LlamaBench {
  engine: DeviceEngine;
  command: string;
  args: readonly string[];
}

/** The llama-bench that the user named does not measure; measuring with another one would be a silent change of engine. */
export class LlamaBenchUnusableError extends Error {
  constructor(path: string) {
    super(
      `${path} is no llama-bench that measures here; correct BENCHFARM_LLAMA_BENCH (or --llama-bench), or unset it to use the built-in engine`,
    );
    this.name = "LlamaBenchUnusableError";
  }
}

export interface SearchOptions {
  /** A path the user named; it must work. */
  named: string | null;
  searchPath: readonly string[];
  platform: string;
  run: RunCommand;
  /** For the probe's model. */
  folder: string;
  warn: (message: string) => void;
}

/** Backends by the names of ggml's registry, as `backends` of a row lists them; helpers that hold no layers are left out. */
export function backendsOfRow(backends: string): Backend[] {
  const found = new Set<Backend>(["cpu"]);
  for (const name of backends.split(",").map((part) => part.trim().toLowerCase())) {
    if (["", "cpu", "blas", "rpc"].includes(name)) continue;
    const renamed = { mtl: "metal", hip: "rocm", htp: "hexagon" }[name] ?? name;
    const parsed = BackendShape.safeParse(renamed);
    found.add(parsed.success ? parsed.data : "other");
  }
  return [...found];
}

/** Version, commit and backends from the row that a probe printed; null when it is no llama-bench's. */
export function readProbe(stdout: string): { version: string; backends: Backend[] } | null {
  try {
    const row = JSON.parse(stdout.trim()) as Record<string, unknown>;
    const { build_commit: commit, build_number: number, backends } = row;
    if (typeof commit !== "string" || typeof number !== "number" || typeof backends !== "string") {
      return null;
    }
    return { version: number > 1 ? `b${number}` : commit, backends: backendsOfRow(backends) };
  } catch {
    return null;
  }
}

/**
 * The llama-bench this machine measures with: the one the user named, else one on PATH, else the embedded core. Null when there is
 * none. Throws LlamaBenchUnusableError when the named one does not work. An official program is made to measure a tiny model once: it does not tell its version otherwise, and that shows that it runs.
 */
export async function findLlamaBench(options: SearchOptions): Promise<LlamaBench | null> {
  const fileName = options.platform === "win32" ? "llama-bench.exe" : "llama-bench";
  const candidates =
    options.named === null
      ? options.searchPath.map((folder) => join(folder, fileName))
      : [options.named];
  for (const path of candidates) {
    const isProgram = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!isProgram && options.named === null) continue;
    const official = isProgram ? await probeOfficial(path, options) : null;
    if (official !== null) return official;
    if (options.named !== null) throw new LlamaBenchUnusableError(path);
    options.warn(`${path} is no llama-bench that runs here; it is not used`);
  }
  return embedded();
}

async function probeOfficial(path: string, options: SearchOptions): Promise<LlamaBench | null> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const model = join(options.folder, "probe.gguf");
  try {
    await makeFromRecipe(recipeOf("tiny-llama-test", "Q8_0"), model);
    const args = ["-m", model, "-p", "8", "-n", "0", "-r", "1", "-ngl", "0", "-o", "jsonl"];
    const probe = readProbe((await options.run(path, args, 60_000)) ?? "");
    if (probe === null) return null;
    return {
      engine: {
        adapter: "llama-cpp",
        name: "llama.cpp",
        version: probe.version,
        build: await digestProgram(path),
        program: "llama-bench",
        backends: probe.backends,
      },
      command: path,
      args: [],
    };
  } finally {
    await rm(model, { force: true });
  }
}

/** One digest over the program and the llama.cpp libraries beside it: two builds of one commit differ in it. */
async function digestProgram(path: string): Promise<string> {
  const program = await realpath(path);
  const beside = (await readdir(dirname(program))).filter((name) =>
    /(?:ggml|llama).*\.(?:so|dylib|dll)/.test(name),
  );
  const hash = createHash("sha256");
  for (const name of [basename(program), ...beside.sort()]) {
    hash.update(`${name}\0${await digestFile(join(dirname(program), name))}\n`);
  }
  return hash.digest("hex");
}

async function embedded(): Promise<LlamaBench | null> {
  const described = await describeEmbeddedEngine();
  if (described === null) return null;
  const { command, args } = llamaBenchProgramPath();
  return {
    engine: {
      adapter: "llama-cpp",
      name: "llama.cpp",
      version: described.version,
      build: described.buildDigest,
      program: "benchfarm-llama-bench",
      backends: backendsOfRow(described.backends.join(",")),
    },
    command,
    args,
  };
}
