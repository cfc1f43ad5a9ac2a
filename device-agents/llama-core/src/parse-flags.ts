import { UsageError } from "./engine-errors.js";

/** Output formats of llama-bench that this program prints. */
export type OutputFormat = "json" | "jsonl" | "md";

/** Flash attention as `enum llama_flash_attn_type` numbers it. */
export type FlashAttention = -1 | 0 | 1;

/** Everything a command line can ask for; lists make a cross product. */
export interface BenchRequest {
  readonly action: "bench" | "help" | "version" | "list-devices";
  readonly models: readonly string[];
  readonly promptCounts: readonly number[];
  readonly generateCounts: readonly number[];
  readonly promptGeneratePairs: readonly (readonly [prompt: number, generate: number])[];
  readonly depths: readonly number[];
  readonly batchSizes: readonly number[];
  readonly ubatchSizes: readonly number[];
  readonly cacheTypesK: readonly string[];
  readonly cacheTypesV: readonly string[];
  /** Empty: the machine's default. */
  readonly threadCounts: readonly number[];
  readonly pollLevels: readonly number[];
  readonly gpuLayerCounts: readonly number[];
  readonly flashAttention: readonly FlashAttention[];
  readonly repetitions: number;
  readonly output: OutputFormat;
  readonly warmup: boolean;
  readonly progress: boolean;
  readonly verbose: boolean;
  /** npm package with the native libraries; undefined: the machine's default one. */
  readonly nativePackage?: string;
}

/** Key/value cache types by llama-bench's names, with their number in `enum ggml_type`. */
export const CACHE_TYPES: Readonly<Record<string, number>> = {
  f16: 1,
  bf16: 30,
  q8_0: 8,
  q4_0: 2,
  q4_1: 3,
  q5_0: 6,
  q5_1: 7,
  iq4_nl: 20,
};

const INT32_MAX = 2_147_483_647;
/** `GGML_MAX_N_THREADS`. */
const MAX_THREADS = 512;
const MAX_LIST_LENGTH = 10_000;

interface Collected {
  action: BenchRequest["action"];
  models: string[];
  promptCounts: number[];
  generateCounts: number[];
  promptGeneratePairs: (readonly [number, number])[];
  depths: number[];
  batchSizes: number[];
  ubatchSizes: number[];
  cacheTypesK: string[];
  cacheTypesV: string[];
  threadCounts: number[];
  pollLevels: number[];
  gpuLayerCounts: number[];
  flashAttention: FlashAttention[];
  repetitions: number;
  output: OutputFormat;
  warmup: boolean;
  progress: boolean;
  verbose: boolean;
  nativePackage?: string;
}

type ReadValue = (into: Collected, value: string, flag: string) => void;
type Switch = (into: Collected) => void;

const VALUES: Readonly<Record<string, ReadValue>> = {
  "--model": (into, value, flag) => into.models.push(...list(value, flag)),
  "--n-prompt": (into, value, flag) => into.promptCounts.push(...range(value, flag, 0)),
  "--n-gen": (into, value, flag) => into.generateCounts.push(...range(value, flag, 0)),
  "-pg": (into, value, flag) => into.promptGeneratePairs.push(pair(value, flag)),
  "--n-depth": (into, value, flag) => into.depths.push(...range(value, flag, 0)),
  "--batch-size": (into, value, flag) => into.batchSizes.push(...range(value, flag, 1)),
  "--ubatch-size": (into, value, flag) => into.ubatchSizes.push(...range(value, flag, 1)),
  "--cache-type-k": (into, value, flag) => into.cacheTypesK.push(...cacheTypes(value, flag)),
  "--cache-type-v": (into, value, flag) => into.cacheTypesV.push(...cacheTypes(value, flag)),
  "--threads": (into, value, flag) => into.threadCounts.push(...range(value, flag, 1, MAX_THREADS)),
  "--poll": (into, value, flag) => into.pollLevels.push(...range(value, flag, 0, 100)),
  "--n-gpu-layers": (into, value, flag) => into.gpuLayerCounts.push(...range(value, flag, -1)),
  "--flash-attn": (into, value, flag) => into.flashAttention.push(...flashAttention(value, flag)),
  "--repetitions": (into, value, flag) => (into.repetitions = integer(value, flag, 1, 1_000_000)),
  "--output": (into, value, flag) => (into.output = output(value, flag)),
  "--native-package": (into, value) => (into.nativePackage = value),
};

const SWITCHES: Readonly<Record<string, Switch>> = {
  "--help": (into) => (into.action = "help"),
  "--version": (into) => (into.action = "version"),
  "--list-devices": (into) => (into.action = "list-devices"),
  "--no-warmup": (into) => (into.warmup = false),
  "--progress": (into) => (into.progress = true),
  "--verbose": (into) => (into.verbose = true),
};

const SHORT: Readonly<Record<string, string>> = {
  "-m": "--model",
  "-p": "--n-prompt",
  "-n": "--n-gen",
  "-d": "--n-depth",
  "-b": "--batch-size",
  "-ub": "--ubatch-size",
  "-ctk": "--cache-type-k",
  "-ctv": "--cache-type-v",
  "-t": "--threads",
  "-ngl": "--n-gpu-layers",
  "-fa": "--flash-attn",
  "-r": "--repetitions",
  "-o": "--output",
  "-h": "--help",
  "-v": "--verbose",
};

/**
 * Reads a command line in llama-bench's syntax: lists by comma or by repeating a flag, number ranges as
 * `first-last`, `first-last+step`, `first-last*factor`; llama-bench's defaults where a flag is absent.
 *
 * @throws UsageError for an unknown flag, a missing value, or a value that is not what the flag takes
 */
export function parseFlags(argv: readonly string[]): BenchRequest {
  const into: Collected = {
    action: "bench",
    models: [],
    promptCounts: [],
    generateCounts: [],
    promptGeneratePairs: [],
    depths: [],
    batchSizes: [],
    ubatchSizes: [],
    cacheTypesK: [],
    cacheTypesV: [],
    threadCounts: [],
    pollLevels: [],
    gpuLayerCounts: [],
    flashAttention: [],
    repetitions: 5,
    output: "md",
    warmup: true,
    progress: false,
    verbose: false,
  };
  for (let i = 0; i < argv.length; i++) {
    const given = argv[i] ?? "";
    const flag = SHORT[given] ?? (given.startsWith("--") ? given.replaceAll("_", "-") : given);
    const flip = SWITCHES[flag];
    if (flip !== undefined) {
      flip(into);
      continue;
    }
    const read = VALUES[flag];
    if (read === undefined) throw new UsageError(`unknown flag ${given}`);
    const value = argv[++i];
    if (value === undefined) throw new UsageError(`${given} needs a value`);
    read(into, value, given);
  }
  if (into.action === "bench" && into.models.length === 0) {
    throw new UsageError("no model given: -m <file.gguf>");
  }
  const { nativePackage, ...rest } = into;
  const request: BenchRequest = {
    ...rest,
    promptCounts: orDefault(into.promptCounts, 512),
    generateCounts: orDefault(into.generateCounts, 128),
    depths: orDefault(into.depths, 0),
    batchSizes: orDefault(into.batchSizes, 2048),
    ubatchSizes: orDefault(into.ubatchSizes, 512),
    cacheTypesK: orDefault(into.cacheTypesK, "f16"),
    cacheTypesV: orDefault(into.cacheTypesV, "f16"),
    pollLevels: orDefault(into.pollLevels, 50),
    gpuLayerCounts: orDefault(into.gpuLayerCounts, -1),
    flashAttention: orDefault(into.flashAttention, -1),
  };
  return nativePackage === undefined ? request : { ...request, nativePackage };
}

/** The text `-h` prints. */
export const USAGE = `usage: benchfarm-llama-bench -m <file.gguf> [options]

Measures prompt processing and generation of a GGUF model with the embedded llama.cpp, in llama-bench's
way and with its JSON fields.

  -m,   --model <file>             model file (required)
  -p,   --n-prompt <n>             prompt tokens (512; 0: no prompt test)
  -n,   --n-gen <n>                generated tokens (128; 0: no generation test)
  -pg <pp,tg>                      a test of pp prompt tokens and tg generated ones together
  -d,   --n-depth <n>              tokens already in the cache before the test (0)
  -r,   --repetitions <n>          repetitions of each test (5)
  -t,   --threads <n>              threads (physical cores)
  -b,   --batch-size <n>           logical batch (2048)
  -ub,  --ubatch-size <n>          physical batch (512)
  -ngl, --n-gpu-layers <n>         layers on the GPU (-1: all)
  -fa,  --flash-attn <on|off|auto> flash attention (auto)
  -ctk, --cache-type-k <type>      key cache: ${Object.keys(CACHE_TYPES).join(", ")} (f16)
  -ctv, --cache-type-v <type>      value cache (f16)
        --poll <0..100>            how eagerly waiting threads spin (50)
  -o,   --output <md|json|jsonl>   output on stdout (md)
        --no-warmup                skip the warm-up of each test
        --progress                 say on stderr what runs
  -v,   --verbose                  llama.cpp's own log on stderr
        --native-package <name>    npm package with the native libraries (this platform's CPU or Metal one)
        --list-devices             devices the native libraries see, then exit
        --version                  versions of the native libraries, then exit

Several values: separated by commas, by repeating the flag, or as a range first-last[+step|*factor].
Exit codes: 0 measured, 1 the model or the engine failed, 2 the command line is wrong.
`;

function orDefault<T>(values: readonly T[], standard: T): readonly T[] {
  return values.length === 0 ? [standard] : values;
}

function list(value: string, flag: string): string[] {
  const parts = value.split(",");
  if (parts.some((part) => part === "")) throw new UsageError(`${flag} has an empty value`);
  return parts;
}

function integer(text: string, flag: string, min: number, max = INT32_MAX): number {
  const value = /^-?\d+$/u.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${flag} takes whole numbers from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

function range(value: string, flag: string, min: number, max = INT32_MAX): number[] {
  const numbers: number[] = [];
  for (const part of list(value, flag)) {
    const match = /^(-?\d+)(?:-(\d+)(?:([+*])(\d+))?)?$/u.exec(part);
    const first = integer(match?.[1] ?? part, flag, min, max);
    const last = match?.[2] === undefined ? first : integer(match[2], flag, min, max);
    const step = match?.[4] === undefined ? 1 : integer(match[4], flag, 0);
    for (let number = first; number <= last;) {
      numbers.push(number);
      const next = match?.[3] === "*" ? number * step : number + step;
      if (next <= number || numbers.length > MAX_LIST_LENGTH) {
        throw new UsageError(`${flag} has a range that does not end or is too long: "${part}"`);
      }
      number = next;
    }
    if (last < first) throw new UsageError(`${flag} has an empty range: "${part}"`);
  }
  return numbers;
}

function pair(value: string, flag: string): readonly [number, number] {
  const parts = list(value, flag);
  if (parts.length !== 2) throw new UsageError(`${flag} takes two numbers, as in -pg 512,128`);
  return [integer(parts[0] ?? "", flag, 0), integer(parts[1] ?? "", flag, 0)];
}

function cacheTypes(value: string, flag: string): string[] {
  const types = list(value, flag);
  for (const type of types) {
    if (!Object.hasOwn(CACHE_TYPES, type)) {
      throw new UsageError(`${flag} takes ${Object.keys(CACHE_TYPES).join(", ")}, not "${type}"`);
    }
  }
  return types;
}

function flashAttention(value: string, flag: string): FlashAttention[] {
  return list(value, flag).map((word) => {
    if (["on", "enabled", "true", "1"].includes(word)) return 1;
    if (["off", "disabled", "false", "0"].includes(word)) return 0;
    if (["auto", "-1"].includes(word)) return -1;
    throw new UsageError(`${flag} takes on, off or auto, not "${word}"`);
  });
}

function output(value: string, flag: string): OutputFormat {
  if (value === "json" || value === "jsonl" || value === "md") return value;
  throw new UsageError(`${flag} takes json, jsonl or md, not "${value}"`);
}
