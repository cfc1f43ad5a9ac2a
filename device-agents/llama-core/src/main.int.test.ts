import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGgufHeader, writeSyntheticModel } from "@benchfarm/gguf";
import { llamaBenchProgramPath } from "./index.js";

const program = llamaBenchProgramPath();
const dist = join(program.args.at(-1) ?? "", "../../dist/main.js");

// Spinning compute threads are slow, not stuck, while other suites share the CPUs.
jest.setTimeout(120_000);

let folder = "";
let model = "";

interface Row {
  readonly n_prompt: number;
  readonly n_gen: number;
  readonly n_depth: number;
  readonly n_threads: number;
  readonly type_k: string;
  readonly type_v: string;
  readonly model_filename: string;
  readonly model_size: number;
  readonly model_n_params: number;
  readonly model_type: string;
  readonly flash_attn: number;
  readonly samples_ns: readonly number[];
  readonly samples_ts: readonly number[];
  readonly avg_ts: number;
  readonly benchfarm_effective_backend: string;
  readonly benchfarm_backend_evidence: readonly string[];
  readonly benchfarm_flash_attn_effective: string;
  readonly benchfarm_cpu_variant: string;
  readonly benchfarm_load_ns: number;
  readonly benchfarm_peak_rss_bytes: number;
  readonly benchfarm_cpu_ns: readonly number[];
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(...flags: string[]): Outcome {
  return spawnSync(program.command, [...program.args, ...flags], { encoding: "utf8" });
}

function rowsOf(outcome: Outcome): Row[] {
  expect(outcome.stderr).toBe("");
  expect(outcome.status).toBe(0);
  const lines = outcome.stdout.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Row);
}

beforeAll(async () => {
  if (!existsSync(dist)) throw new Error(`${dist} is missing: build the repository first`);
  folder = await mkdtemp(join(tmpdir(), "llama-core-"));
  model = join(folder, "tiny modèl.gguf");
  await writeSyntheticModel({ shape: "tiny-llama-test", quant: "Q8_0", seed: 7, path: model });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("a prompt test and a generation test, every sample kept", async () => {
  const rows = rowsOf(
    bench("-m", model, "-p", "48", "-n", "12", "-r", "3", "-t", "2", "-o", "jsonl"),
  );
  expect(rows.map((row) => [row.n_prompt, row.n_gen])).toEqual([
    [48, 0],
    [0, 12],
  ]);
  const header = await readGgufHeader(model);
  for (const row of rows) {
    expect(row.samples_ns).toHaveLength(3);
    expect(row.samples_ts).toHaveLength(3);
    const rates = row.samples_ns.map((ns) => (1e9 * (row.n_prompt + row.n_gen)) / ns);
    rates.forEach((rate, index) => expect(row.samples_ts[index]! / rate).toBeCloseTo(1, 4));
    expect(row.avg_ts / (rates.reduce((sum, rate) => sum + rate) / 3)).toBeCloseTo(1, 5);
    expect(row).toMatchObject({
      model_filename: model,
      model_n_params: header.parameterCount,
      model_size: header.tensorBytes,
      n_threads: 2,
      benchfarm_effective_backend: "cpu",
      benchfarm_flash_attn_effective: "enabled",
    });
    expect(row.model_type).toMatch(/^llama .* Q8_0$/u);
    expect(row.benchfarm_backend_evidence.join("\n")).toMatch(/CPU\S* model buffer size/u);
    expect(row.benchfarm_cpu_variant).toMatch(/ggml-cpu/u);
    expect(row.benchfarm_load_ns).toBeGreaterThan(0);
    expect(row.benchfarm_peak_rss_bytes).toBeGreaterThan(10_000_000);
    expect(row.benchfarm_cpu_ns).toHaveLength(3);
  }
});

test("cross product, depth, split batches, cache types and pairs", () => {
  const rows = rowsOf(
    bench(
      ...["-m", model, "-p", "40", "-n", "0", "-pg", "16,4", "-d", "0,32", "-r", "2"],
      ...["-b", "16", "-ub", "8", "-fa", "0,1", "-t", "1", "-o", "jsonl"],
    ),
  );
  expect(rows.map((row) => [row.flash_attn, row.n_depth, row.n_prompt, row.n_gen])).toEqual([
    [0, 0, 40, 0],
    [0, 0, 16, 4],
    [0, 32, 40, 0],
    [0, 32, 16, 4],
    [1, 0, 40, 0],
    [1, 0, 16, 4],
    [1, 32, 40, 0],
    [1, 32, 16, 4],
  ]);
  expect(rows.map((row) => row.benchfarm_flash_attn_effective)).toEqual([
    ...Array<string>(4).fill("disabled"),
    ...Array<string>(4).fill("enabled"),
  ]);
  const [quantised] = rowsOf(
    bench(
      "-m",
      model,
      "-p",
      "8",
      "-n",
      "0",
      "-r",
      "1",
      "-ctk",
      "q8_0",
      "-ctv",
      "q8_0",
      "-o",
      "jsonl",
    ),
  );
  expect(quantised).toMatchObject({ type_k: "q8_0", type_v: "q8_0" });
});

test("json is an array, and Markdown a table", () => {
  const flags = ["-m", model, "-p", "8", "-n", "2", "-r", "1"];
  expect(JSON.parse(bench(...flags, "-o", "json").stdout)).toHaveLength(2);
  expect(bench(...flags).stdout).toMatch(/\| +pp8 \| +\d+\.\d+ ± 0\.00 \|/u);
});

test("the same thread default as llama.cpp: at least one, no more than there are", () => {
  const [row] = rowsOf(bench("-m", model, "-p", "4", "-n", "0", "-r", "1", "-o", "jsonl"));
  expect(row?.n_threads).toBeGreaterThanOrEqual(1);
});

test("layers for a GPU that is not there: a warning, and the CPU is reported", () => {
  const devices = bench("--list-devices");
  const outcome = bench("-m", model, "-p", "4", "-n", "0", "-r", "1", "-ngl", "99", "-o", "jsonl");
  expect(outcome.status).toBe(0);
  const row = JSON.parse(outcome.stdout) as Row;
  if (devices.stdout.includes("(none)")) {
    expect(outcome.stderr).toMatch(/warning: -ngl 99 has no effect/u);
    expect(row.benchfarm_effective_backend).toBe("cpu");
  } else {
    expect(outcome.stderr).toBe("");
    expect(row.benchfarm_effective_backend).not.toBe("cpu");
  }
});

describe("failures", () => {
  const failing = (flags: readonly string[], status: number, message: RegExp): void => {
    const outcome = bench(...flags);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.status).toBe(status);
    expect(outcome.stdout).not.toMatch(/samples_ns/u);
  };

  test("a missing file, in llama.cpp's words", () => {
    const absent = join(folder, "absent.gguf");
    failing(
      ["-m", absent, "-o", "jsonl"],
      1,
      /error: failed to load model '.*absent\.gguf': .*No such file/u,
    );
  });

  test("not a GGUF", async () => {
    const path = join(folder, "not.gguf");
    await writeFile(path, "definitely no model".repeat(100));
    failing(["-m", path, "-o", "jsonl"], 1, /invalid magic characters: 'defi'/u);
  });

  test.each([0.02, 0.5, 0.999])("truncated to %d of its size", async (share) => {
    const path = join(folder, `truncated-${share}.gguf`);
    const whole = await readFile(model);
    await writeFile(path, whole.subarray(0, Math.floor(whole.length * share)) as Uint8Array);
    failing(["-m", path, "-o", "jsonl"], 1, /error: failed to load model/u);
  });

  test("weights that are not numbers", async () => {
    const path = join(folder, "nan.gguf");
    await copyFile(model, path);
    const header = await readGgufHeader(path);
    const norm = header.tensors.find((tensor) => tensor.name === "output_norm.weight")!;
    const file = await open(path, "r+");
    const nan = new Float32Array(norm.elementCount).fill(Number.NaN);
    await file.write(
      new Uint8Array(nan.buffer),
      0,
      nan.byteLength,
      header.dataOffset + norm.offset,
    );
    await file.close();
    failing(
      ["-m", path, "-p", "8", "-n", "2", "-r", "1", "-o", "jsonl"],
      1,
      /logits are not finite/u,
    );
    failing(
      ["-m", path, "-p", "8", "-n", "2", "-r", "1", "--no-warmup", "-o", "jsonl"],
      1,
      /logits are not finite/u,
    );
  });

  test("a context that llama.cpp cannot make", () => {
    failing(
      ["-m", model, "-p", "8", "-ctv", "q8_0", "-fa", "off", "-o", "jsonl"],
      1,
      /failed to create a context.*quantized V cache requires flash_attn/u,
    );
  });

  test.each([
    [["--frobnicate"], /unknown flag --frobnicate/u],
    [["-p", "many"], /-p takes whole numbers/u],
    [["-p", "0", "-n", "0"], /nothing to measure/u],
    [["-p", "2147483647", "-d", "8"], /more tokens than llama\.cpp can count/u],
  ])("wrong use %j ends with 2", (flags, message) => {
    failing(["-m", model, ...flags], 2, message);
  });

  test("a package of another platform ends with 1 and says which ones run here", () => {
    failing(
      ["-m", model, "--native-package", "@node-llama-cpp/plan9"],
      1,
      /does not run on .*the packages that do are/u,
    );
  });

  test("rows measured before a failure are kept", () => {
    const outcome = bench(
      "-m",
      `${model},${folder}/absent.gguf`,
      ...["-p", "4", "-n", "0", "-r", "1", "-o", "jsonl"],
    );
    expect(outcome.status).toBe(1);
    expect((JSON.parse(outcome.stdout.trim()) as Row).samples_ns).toHaveLength(1);
    expect(outcome.stderr).toContain("absent.gguf");
  });

  test("killed in mid-test it ends at once by the signal, also while native code computes", async () => {
    const child = spawn(program.command, [
      ...program.args,
      ...["-m", model, "-p", "0", "-n", "2000", "-r", "100000", "-o", "jsonl", "--progress"],
    ]);
    await new Promise<void>((resolve) => {
      let text = "";
      child.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes("repetition 2/")) resolve();
      });
    });
    const ended = new Promise<string | null>((resolve) =>
      child.once("exit", (_code, signal) => {
        resolve(signal);
      }),
    );
    child.kill("SIGTERM");
    expect(await ended).toBe("SIGTERM");
  });
});

test("versions", () => {
  const outcome = bench("--version");
  expect(outcome.stdout).toMatch(/llama\.cpp 0\.4\.0.*ggml 0\.23\.0/u);
  expect(outcome.status).toBe(0);
  expect(bench("-h").stdout).toContain("usage: benchfarm-llama-bench");
});
