// How close the embedded inference core comes to llama.cpp's own llama-bench: the same file and flags, alternately.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeSyntheticModel } from "@benchfarm/gguf";
import { llamaBenchProgramPath } from "@benchfarm/llama-core";
import { bootstrapRatio } from "@benchfarm/stats";
import { waitForQuiet, watchOthers } from "./fidelity/machine-load.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const QUIET_DEADLINE_MS = 60_000;

const HELP = `usage: LLAMA_BENCH=<path to llama-bench> npm run bench -- fidelity [--json] [options]

  --model <file>    GGUF file (a synthetic Qwen 3.5 0.8B at Q4_0, made once under .benchfarm/bench)
  --pairs <n>       pairs to keep (12); up to three times as many are run
  --prompt <n>      prompt tokens (256)
  --generate <n>    generated tokens (64)
  --repetitions <n> repetitions in each process (3); a process counts as its median
  --threads <n>     threads (llama-bench's default)
  --control         run the official program twice per pair and compare it with itself too: the machine's noise
  --others <share>  largest share of all CPUs that other programs may take while a pair runs (0.02)
`;

const OPTIONS = {
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
  model: { type: "string" },
  pairs: { type: "string", default: "12" },
  prompt: { type: "string", default: "256" },
  generate: { type: "string", default: "64" },
  repetitions: { type: "string", default: "3" },
  threads: { type: "string" },
  control: { type: "boolean", default: false },
  others: { type: "string", default: "0.02" },
};

/**
 * Runs the comparison and prints a table; with `json`, the last line is
 * `{"prefill":{"ratio","low","high"},"decode":{...}}`: the median of embedded / official tokens per second over the kept
 * pairs and its 95 % bootstrap interval (null with fewer than three pairs).
 *
 * @param {{json?: boolean, args?: readonly string[]}} options
 * @returns {Promise<number>} exit code: 0 measured, 1 a program failed or no pair could be kept, 2 wrong use
 */
export async function run({ json = false, args = [] } = {}) {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS, strict: true }));
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    return 2;
  }
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const official = process.env.LLAMA_BENCH;
  if (official === undefined || official === "") {
    console.error(
      "LLAMA_BENCH is not set: it must be the path of llama.cpp's own llama-bench to compare with, best one linked to the\n" +
        "same shared libraries (device-agents/llama-core/README.md says how).",
    );
    return 2;
  }
  if (!existsSync(official)) {
    console.error(`LLAMA_BENCH=${official} does not exist.`);
    return 2;
  }
  const settings = {
    pairs: Number(values.pairs),
    others: Number(values.others),
    control: values.control,
    flags: [
      ...["-m", values.model === undefined ? await defaultModel() : resolve(values.model)],
      ...["-p", values.prompt, "-n", values.generate, "-r", values.repetitions, "-o", "jsonl"],
      ...(values.threads === undefined ? [] : ["-t", values.threads]),
    ],
  };
  if (!(settings.pairs >= 1) || !(settings.others > 0)) {
    console.error(`--pairs and --others must be positive numbers\n\n${HELP}`);
    return 2;
  }
  const { command, args: before } = llamaBenchProgramPath();
  const programs = {
    embedded: (flags) => bench(command, [...before, ...flags]),
    official: (flags) => bench(resolve(official), flags),
    again: (flags) => bench(resolve(official), flags),
  };
  try {
    return await compare(programs, settings, json || values.json);
  } catch (error) {
    console.error(String(error.message));
    return 1;
  }
}

async function compare(programs, settings, json) {
  const { pairs: wanted, others: allowed, control, flags } = settings;
  console.log(`flags: ${flags.join(" ")}`);
  const names = ["embedded", "official", ...(control ? ["again"] : [])];
  const kept = [];
  for (let attempt = 0; kept.length < wanted && attempt < wanted * 3; attempt++) {
    // Each program comes first, second (and last) equally often.
    const order = names.map((_, index) => names[(index + attempt) % names.length]);
    const results = {};
    let others = 0;
    for (const name of order) {
      await waitForQuiet(allowed, QUIET_DEADLINE_MS);
      const sinceStart = watchOthers();
      results[name] = programs[name](flags);
      others = Math.max(others, sinceStart() ?? 0);
    }
    if (attempt === 0) introduce(results.embedded, results.official);
    const quiet = others <= allowed;
    if (quiet) kept.push(results);
    console.log(pairLine(attempt, order[0], results.embedded, results.official, others, quiet));
  }
  if (kept.length === 0) {
    throw new Error(
      `other programs took more than ${allowed * 100} % of the CPUs during every pair: run this on a quiet machine, ` +
        "or allow more with --others.",
    );
  }
  const ratio = (kind, first) =>
    bootstrapRatio(kept.map((results) => [results[first][kind], results.official[kind]]));
  const result = { prefill: ratio("prefill", "embedded"), decode: ratio("decode", "embedded") };
  for (const kind of ["prefill", "decode"]) {
    console.log(ratioLine(`${kind}: embedded / official`, result[kind], kept.length));
    if (control) {
      console.log(ratioLine(`${kind}: official / itself`, ratio(kind, "again"), kept.length));
    }
  }
  if (json) console.log(JSON.stringify(result));
  return 0;
}

function ratioLine(title, { ratio, low, high }, pairs) {
  const interval =
    low === null
      ? "too few pairs for an interval"
      : `95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}`;
  return `${title} = ${ratio.toFixed(3)} (${interval}, ${pairs} pairs)`;
}

function introduce(embedded, official) {
  const of = (row) =>
    `llama.cpp ${row.build_commit} (${row.build_number}), ${row.n_threads} threads, ${row.cpu_info}`;
  console.log(`embedded: ${of(embedded.row)}\nofficial: ${of(official.row)}`);
  if (embedded.row.build_commit !== official.row.build_commit) {
    console.log("The two are different builds: the ratio compares builds, not programs.");
  }
  if (embedded.row.n_threads !== official.row.n_threads) {
    throw new Error("The two programs chose different thread counts: give one with --threads.");
  }
  console.log(
    "pair  first     prefill tok/s: embedded official ratio   decode tok/s: embedded official ratio  others",
  );
}

function pairLine(index, first, embedded, official, others, quiet) {
  const numbers = (kind) =>
    [
      embedded[kind].toFixed(2),
      official[kind].toFixed(2),
      (embedded[kind] / official[kind]).toFixed(3),
    ]
      .map((text) => text.padStart(9))
      .join("");
  const share = `${(others * 100).toFixed(1)} %`.padStart(8);
  return `${String(index + 1).padStart(4)}  ${first.padEnd(9)} ${numbers("prefill").padStart(38)} ${numbers("decode").padStart(38)} ${share}${quiet ? "" : "  dropped: machine not quiet"}`;
}

/** One process of either program: the median tokens per second of its prompt test and of its generation test. */
function bench(command, args) {
  const child = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (child.error) throw new Error(`cannot run ${command}: ${child.error.message}`);
  if (child.status !== 0) {
    throw new Error(
      `${command} ended with ${child.status ?? child.signal}:\n${child.stderr.slice(-2000)}`,
    );
  }
  const rows = child.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  const prompt = rows.find((row) => row.n_prompt > 0 && row.n_gen === 0);
  const generate = rows.find((row) => row.n_gen > 0 && row.n_prompt === 0);
  if (prompt === undefined || generate === undefined) {
    throw new Error(
      `${command} printed no prompt row or no generation row (--prompt and --generate must be above 0)`,
    );
  }
  return {
    row: prompt,
    prefill: (1e9 * prompt.n_prompt) / median(prompt.samples_ns),
    decode: (1e9 * generate.n_gen) / median(generate.samples_ns),
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function defaultModel() {
  const folder = resolve(ROOT, ".benchfarm/bench");
  const path = resolve(folder, "qwen3.5-0.8b.Q4_0.gguf");
  if (!existsSync(path)) {
    console.log(`writing ${path} (0.5 GB)`);
    mkdirSync(folder, { recursive: true });
    await writeSyntheticModel({ shape: "qwen3.5-0.8b", quant: "Q4_0", seed: 1, path });
  }
  return path;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  process.exitCode = await run({ args });
}
