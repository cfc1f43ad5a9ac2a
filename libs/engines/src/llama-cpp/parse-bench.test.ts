import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WorkloadSpec, type Backend, type DeviceEngine } from "@benchfarm/contracts";
import type { EngineTask, ProcessOutput } from "../engine.js";
import { engineConformance } from "../testing/engine-conformance.js";
import { llamaCppEngine } from "./llama-cpp-engine.js";
import { parseBench } from "./parse-bench.js";

const official: DeviceEngine = {
  adapter: "llama-cpp",
  name: "llama.cpp",
  version: "5b4ebc5",
  build: "0".repeat(64),
  program: "llama-bench",
  backends: ["cpu"],
};
const embedded: DeviceEngine = { ...official, version: "v0.4.0", program: "benchfarm-llama-bench" };

function golden(name: string, over: Partial<ProcessOutput> = {}): ProcessOutput {
  const read = (stream: string) =>
    readFileSync(join(__dirname, "golden", `${name}.${stream}.txt`), "utf8");
  return {
    stdout: read("stdout"),
    stderr: read("stderr"),
    exitCode: 0,
    signal: null,
    timedOut: false,
    outOfMemory: null,
    ...over,
  };
}

function task(
  promptTokens: number,
  generatedTokens: number,
  over: Partial<EngineTask> & { depthTokens?: number } = {},
): EngineTask {
  const { depthTokens = 0, ...rest } = over;
  return {
    workload: WorkloadSpec.parse({ promptTokens, generatedTokens, depthTokens }),
    modelPath: "/models/tiny.gguf",
    backend: "cpu",
    threads: 2,
    repetition: 0,
    engine: official,
    ...rest,
  };
}

/** A golden row with fields changed; undefined takes one out. */
function changed(
  name: string,
  fields: Record<string, unknown>,
  over: Partial<ProcessOutput> = {},
): ProcessOutput {
  const output = golden(name);
  const row = JSON.parse(output.stdout) as Record<string, unknown>;
  return { ...output, stdout: `${JSON.stringify({ ...row, ...fields })}\n`, ...over };
}

const codeOf = (asked: EngineTask, output: ProcessOutput) => {
  const outcome = parseBench(asked, output);
  return outcome.kind === "failed" ? outcome.failure.code : outcome.kind;
};

describe("outputs of the real llama-bench", () => {
  const good = [
    { name: "pp32", task: task(32, 0), output: golden("pp32") },
    { name: "tg8@d64", task: task(0, 8, { depthTokens: 64 }), output: golden("tg8-d64") },
    { name: "pp32+tg8", task: task(32, 8), output: golden("pp32-tg8") },
    { name: "tg8 as a JSON array", task: task(0, 8), output: golden("tg8-array") },
  ];
  for (const { name, check } of engineConformance(llamaCppEngine, good)) it(name, check);

  it("give the counters, the settings as used and the evidence", () => {
    const outcome = parseBench(task(32, 0), golden("pp32"));
    const row = JSON.parse(golden("pp32").stdout) as { samples_ns: [number] };
    expect(outcome).toMatchObject({
      kind: "measured",
      samples: [
        {
          promptTokens: 32,
          promptNs: row.samples_ns[0],
          generatedTokens: 0,
          generationNs: null,
          totalNs: row.samples_ns[0],
          loadNs: null,
          peakMemoryBytes: null,
        },
      ],
      settings: {
        threads: 2,
        batchSize: 2048,
        microBatchSize: 512,
        flashAttention: "on",
        cacheTypeK: "f16",
        gpuLayers: 0,
        cpuVariant: "zen4",
      },
      effectiveBackend: "cpu",
      reportedVersion: "5b4ebc5",
    });
    expect(outcome.evidence.join("\n")).toMatch(/CPU_REPACK model buffer size/);
    expect(outcome.evidence.join("\n")).not.toMatch(/\/opt\//);
  });

  it("of prompt and generation together time the whole only", () => {
    const outcome = parseBench(task(32, 8), golden("pp32-tg8"));
    if (outcome.kind !== "measured") throw new Error(JSON.stringify(outcome));
    expect(outcome.samples[0]).toMatchObject({ promptNs: null, generationNs: null });
    expect(outcome.samples[0]?.totalNs).toBeGreaterThan(0);
    expect(outcome.settings?.flashAttention).toBe("off");
  });

  it.each([
    ["not-a-model", "model_rejected"],
    ["truncated-model", "model_rejected"],
    ["address-space-too-small", "out_of_memory"],
    ["context-too-large", "out_of_memory"],
    ["quantised-v-without-flash", "unsupported"],
    ["unknown-option", "engine_failed"],
  ])("of a failed run are classified: %s is %s", (name, code) => {
    const outcome = parseBench(task(8, 0), golden(name, { exitCode: 1 }));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code, exitCode: 1 } });
    if (outcome.kind === "failed") expect(outcome.failure.message.length).toBeGreaterThan(20);
  });

  it("with more rows than tests asked for are refused", () => {
    expect(codeOf(task(32, 0), golden("three-rows"))).toBe("unreadable_output");
  });

  it("of a build without a GPU are a mismatch when a GPU was asked for", () => {
    const asked = task(32, 0, { backend: "cuda" });
    const outcome = parseBench(asked, golden("gpu-asked-cpu-build"));
    expect(outcome).toMatchObject({
      kind: "failed",
      failure: { code: "backend_mismatch" },
      effectiveBackend: "cpu",
    });
  });
});

describe("rows of other versions", () => {
  it("with flash_attn as a boolean, use_mmap and no depth are read", () => {
    const older = {
      flash_attn: false,
      use_mmap: true,
      load_mode: undefined,
      lazy_mode: undefined,
      n_depth: undefined,
      devices: undefined,
      no_op_offload: undefined,
      build_number: 5163,
    };
    const asked = task(32, 0, { engine: { ...official, version: "b5163" } });
    expect(parseBench(asked, changed("pp32", older, { stderr: "" }))).toMatchObject({
      kind: "measured",
      settings: { flashAttention: "off" },
      reportedVersion: "b5163",
    });
    expect(
      parseBench(asked, changed("pp32", { ...older, flash_attn: true }, { stderr: "" })),
    ).toMatchObject({
      settings: { flashAttention: "on" },
    });
  });

  it("from a program that was replaced are refused", () => {
    expect(codeOf(task(32, 0), changed("pp32", { build_commit: "0000000" }))).toBe("engine_failed");
  });
});

describe("outputs of the embedded core", () => {
  const good = [
    { name: "pp32", task: task(32, 0, { engine: embedded }), output: golden("embedded-pp32") },
    {
      name: "pp32+tg8",
      task: task(32, 8, { engine: embedded }),
      output: golden("embedded-pp32-tg8"),
    },
  ];
  for (const { name, check } of engineConformance(llamaCppEngine, good)) it(name, check);

  it("carry load time, CPU time, memory and what flash attention became", () => {
    expect(parseBench(task(32, 0, { engine: embedded }), golden("embedded-pp32"))).toMatchObject({
      kind: "measured",
      samples: [
        {
          loadNs: expect.any(Number),
          cpuNs: expect.any(Number),
          peakMemoryBytes: expect.any(Number),
        },
      ],
      settings: { flashAttention: "on", cpuVariant: "zen4" },
      reportedVersion: "v0.4.0",
    });
  });

  it.each([
    ["embedded-nan-model", 1, "non_finite"],
    ["embedded-not-a-model", 1, "model_rejected"],
    ["embedded-context-too-large", 1, "out_of_memory"],
    ["embedded-unknown-option", 2, "engine_failed"],
  ])("of a failed run are classified: %s", (name, exitCode, code) => {
    expect(codeOf(task(8, 0, { engine: embedded }), golden(name, { exitCode }))).toBe(code);
  });
});

describe("the embedded core's fields", () => {
  const fields = {
    benchfarm_load_ns: 1_200_000_000,
    benchfarm_effective_backend: "cpu",
    benchfarm_backend_evidence: ["load_tensors:   CPU_Mapped model buffer size =     1.20 MiB"],
    benchfarm_release: "v0.4.0",
    benchfarm_flash_attn_effective: "enabled",
    benchfarm_cpu_variant: "libggml-cpu-zen4.so",
    benchfarm_peak_rss_bytes: 12_345_678,
    benchfarm_cpu_ns: [900_000],
  };
  const asked = task(32, 0, { engine: embedded });

  it("are taken into the sample and the report", () => {
    expect(parseBench(asked, changed("pp32", fields, { stderr: "" }))).toMatchObject({
      kind: "measured",
      samples: [{ loadNs: 1_200_000_000, peakMemoryBytes: 12_345_678, cpuNs: 900_000 }],
      settings: { cpuVariant: "zen4", flashAttention: "on" },
      reportedVersion: "v0.4.0",
      effectiveBackend: "cpu",
      evidence: fields.benchfarm_backend_evidence,
    });
  });

  it("that split the layers, or name another backend, are a mismatch", () => {
    const gpu = { ...asked, backend: "cuda" as const };
    for (const told of ["cpu+cuda", "cpu", "vulkan"]) {
      const output = changed("pp32", { ...fields, benchfarm_effective_backend: told });
      expect(codeOf(gpu, output)).toBe("backend_mismatch");
    }
    const hip = changed("pp32", { ...fields, benchfarm_effective_backend: "hip" });
    expect(codeOf({ ...asked, backend: "rocm" }, hip)).toBe("measured");
  });

  it("that are wrong make the row unreadable", () => {
    for (const wrong of [
      { benchfarm_load_ns: -1 },
      { benchfarm_load_ns: "1" },
      { benchfarm_cpu_ns: [1, 2] },
      { benchfarm_peak_rss_bytes: 0 },
    ]) {
      expect(codeOf(asked, changed("pp32", { ...fields, ...wrong }))).toBe("unreadable_output");
    }
  });
});

describe("rows that are not to be believed", () => {
  it.each([
    ["a missing field", { samples_ns: undefined }, "unreadable_output"],
    ["no sample", { samples_ns: [], samples_ts: [] }, "unreadable_output"],
    ["two samples", { samples_ns: [1, 2], samples_ts: [1, 2] }, "unreadable_output"],
    ["a time of zero", { samples_ns: [0] }, "non_finite"],
    ["a negative time", { samples_ns: [-5] }, "non_finite"],
    ["a time in fractions", { samples_ns: [1.5] }, "non_finite"],
    ["a number as text", { samples_ns: ["534220"] }, "unreadable_output"],
    ["a null rate", { avg_ts: null }, "unreadable_output"],
    ["a rate in another unit", { avg_ts: 59.9 }, "unreadable_output"],
    ["a mean in another unit", { avg_ns: 0.5 }, "unreadable_output"],
    ["another prompt", { n_prompt: 31 }, "token_count_mismatch"],
    ["another depth", { n_depth: 1 }, "token_count_mismatch"],
  ])("with %s", (_what, fields, code) => {
    expect(codeOf(task(32, 0), changed("pp32", fields))).toBe(code);
  });

  it("with nan are non-finite, and a path with nan in it is not", () => {
    const { stdout, ...rest } = golden("pp32");
    const bad = stdout.replace(/"samples_ns": \[ \d+ \]/, '"samples_ns": [ -nan ]');
    expect(codeOf(task(32, 0), { ...rest, stdout: bad })).toBe("non_finite");
    const path = stdout.replace('"model_filename": "', '"model_filename": "/nan.gguf: nan, inf');
    expect(codeOf(task(32, 0), { ...rest, stdout: path })).toBe("measured");
  });
});

describe("the backend of a build with a GPU", () => {
  const gpuRow = { backends: "CUDA,BLAS,CPU", gpu_info: "NVIDIA RTX", n_gpu_layers: 999 };
  const engine: DeviceEngine = { ...official, backends: ["cpu", "cuda"] };
  const asked = task(32, 0, { backend: "cuda", engine });
  const log = (taken: number) =>
    `load_tensors: offloaded ${taken}/25 layers to GPU\nload_tensors:        CUDA0 model buffer size =   638.00 MiB\n`;

  it.each([
    ["all layers offloaded", gpuRow, log(25), "measured"],
    ["some layers offloaded", gpuRow, log(24), "backend_mismatch"],
    ["no layer offloaded", gpuRow, log(0), "backend_mismatch"],
    ["no word about layers", gpuRow, "", "backend_mismatch"],
    [
      "two accelerators, one with the weights",
      { ...gpuRow, backends: "CUDA,Vulkan,CPU" },
      log(25),
      "measured",
    ],
  ])("is shown by the log: %s", (_what, row, stderr, expected) => {
    expect(codeOf(asked, changed("pp32", row, { stderr }))).toBe(expected);
  });

  it("is the CPU only when nothing could have gone to the GPU", () => {
    const onCpu = task(32, 0, { engine });
    const row = { ...gpuRow, n_gpu_layers: 0 };
    expect(codeOf(onCpu, changed("pp32", row))).toBe("backend_mismatch");
    expect(codeOf(onCpu, changed("pp32", { ...row, devices: "none" }))).toBe("measured");
    expect(codeOf(onCpu, changed("pp32", { ...row, no_op_offload: 1 }))).toBe("measured");
  });

  it.each<[string, Backend]>([
    ["MTL,BLAS,CPU", "metal"],
    ["Metal,BLAS", "metal"],
    ["Vulkan,CPU", "vulkan"],
    ["ROCm,CPU", "rocm"],
    ["OpenCL,CPU", "opencl"],
    ["HTP,CPU", "hexagon"],
    ["SomethingNew,CPU", "other"],
  ])("is named after ggml's registry: %s is %s", (backends, backend) => {
    const output = changed("pp32", { ...gpuRow, backends }, { stderr: log(25) });
    expect(parseBench({ ...asked, backend }, output)).toMatchObject({ effectiveBackend: backend });
  });
});

describe("a process that ended badly", () => {
  it.each([
    [{ exitCode: null, signal: "SIGSEGV" }, "engine_crashed"],
    [{ exitCode: 0xc0000005 }, "engine_crashed"],
    [{ exitCode: -1073741819 }, "engine_crashed"],
    [{ exitCode: null, signal: "SIGKILL", outOfMemory: true }, "out_of_memory"],
    [{ exitCode: null, signal: "SIGABRT", stderr: "CUDA error: out of memory" }, "out_of_memory"],
    [{ exitCode: 1, stderr: "unknown model architecture: 'new'" }, "unsupported"],
    [{ exitCode: 1, stderr: "logits are NaN at token 3" }, "non_finite"],
    [{ exitCode: 7, stderr: "" }, "engine_failed"],
    [{ exitCode: null, signal: "SIGKILL", timedOut: true }, "timed_out"],
  ])("%j is %s", (over, code) => {
    expect(codeOf(task(32, 0), { ...golden("pp32"), stderr: "", ...over })).toBe(code);
  });
});
