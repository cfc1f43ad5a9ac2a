import type { BenchMeasurement } from "./bench-row.js";
import { meanAndDeviation } from "./bench-row.js";
import { parseFlags } from "./parse-flags.js";
import { planTests } from "./plan-tests.js";
import { rowPrinter } from "./print-rows.js";
import { readLoadLog } from "./read-load-log.js";

/** A row of the official llama-bench v0.4.0, linked to the shipped libraries. */
const OFFICIAL =
  '{"build_commit": "5b4ebc5", "build_number": 1, "cpu_info": "AMD EPYC", "gpu_info": "", "backends": "CPU", "model_filename": "models/tiny.gguf", "model_type": "llama ?B Q4_0", "model_size": 1258496, "model_n_params": 2229504, "n_batch": 2048, "n_ubatch": 512, "n_threads": 2, "cpu_mask": "0x0", "cpu_strict": false, "poll": 50, "type_k": "f16", "type_v": "f16", "n_gpu_layers": -1, "n_cpu_moe": 0, "split_mode": "layer", "main_gpu": 0, "no_kv_offload": false, "flash_attn": -1, "devices": "auto", "tensor_split": "0.00", "tensor_buft_overrides": "none", "load_mode": "auto", "lazy_mode": "auto", "embeddings": false, "no_op_offload": 0, "no_host": false, "fit_target": 0, "fit_min_ctx": 0, "n_prompt": 64, "n_gen": 0, "n_depth": 0, "test_time": "2026-11-22T16:25:05Z", "avg_ns": 1439565, "stddev_ns": 2986, "avg_ts": 44457.923750, "stddev_ts": 75.885283, "samples_ns": [ 1437828, 1441303 ],"samples_ts": [ 44511.6, 44404.3 ]}';

const request = parseFlags(["-m", "models/tiny.gguf", "-p", "64", "-n", "0", "-r", "2", "-t", "2"]);
const build = { commit: "5b4ebc5", number: 1 };

const measurement: BenchMeasurement = {
  engine: {
    buildCommit: "5b4ebc5",
    buildNumber: 1,
    cpuInfo: "AMD EPYC",
    gpuInfo: "",
    backends: "CPU",
    release: "v0.4.0",
    nativePackage: "@node-llama-cpp/linux-x64@3.21.1",
    cpuVariant: "libggml-cpu-zen4.so",
  },
  model: {
    description: "llama ?B Q4_0",
    sizeBytes: 1_258_496,
    parameterCount: 2_229_504,
    loadNs: 1_815_547,
  },
  test: planTests(request, 2)[0]!,
  evidence: readLoadLog(["load_tensors:   CPU_Mapped model buffer size =     1.20 MiB"]),
  testTime: "2026-11-22T16:25:05Z",
  samples: [
    { elapsedNs: 1_437_828n, cost: { cpuNs: 2_800_000, runDelayNs: 0, stealNs: 0 } },
    { elapsedNs: 1_441_303n, cost: { cpuNs: 2_900_000, runDelayNs: 10, stealNs: null } },
  ],
  peakRssBytes: 68_943_872,
};

const print = (format: "json" | "jsonl" | "md"): string => {
  const printer = rowPrinter(format, request, build);
  return printer.header() + printer.row(measurement) + printer.footer();
};

test("the same samples print what the official llama-bench printed, field for field", () => {
  const ours = JSON.parse(print("jsonl")) as Record<string, unknown>;
  const official = JSON.parse(OFFICIAL) as Record<string, unknown>;
  const officialNames = Object.keys(official);
  expect(Object.keys(ours).slice(0, officialNames.length)).toEqual(officialNames);
  // llama-bench computes the deviation in unsigned integers around a truncated mean; ours is exact.
  const { stddev_ns: deviation, ...rest } = official;
  expect(ours).toMatchObject(rest);
  expect(Math.abs((ours["stddev_ns"] as number) - (deviation as number))).toBeLessThan(600);
});

test("our own fields come last, under our name, and unknown is null", () => {
  const ours = JSON.parse(print("jsonl")) as Record<string, unknown>;
  const own = Object.keys(ours).slice(Object.keys(JSON.parse(OFFICIAL) as object).length);
  expect(own.every((name) => name.startsWith("benchfarm_"))).toBe(true);
  expect(ours).toMatchObject({
    benchfarm_load_ns: 1_815_547,
    benchfarm_effective_backend: "cpu",
    benchfarm_layers_offloaded: null,
    benchfarm_cpu_variant: "libggml-cpu-zen4.so",
    benchfarm_peak_rss_bytes: 68_943_872,
    benchfarm_cpu_ns: [2_800_000, 2_900_000],
    benchfarm_run_delay_ns: [0, 10],
    benchfarm_steal_ns: null,
  });
});

test("json is one array of the same rows", () => {
  expect(JSON.parse(print("json"))).toEqual([JSON.parse(print("jsonl"))]);
  const printer = rowPrinter("json", request, build);
  const two =
    printer.header() + printer.row(measurement) + printer.row(measurement) + printer.footer();
  expect(JSON.parse(two)).toHaveLength(2);
});

test("numbers keep their notation: six decimals for averages, six digits for samples", () => {
  expect(print("jsonl")).toContain('"avg_ts": 44457.923750, "stddev_ts": 75.885283');
  expect(print("jsonl")).toContain(
    '"samples_ns": [ 1437828, 1441303 ], "samples_ts": [ 44511.6, 44404.3 ]',
  );
});

test("a Markdown table of one line per row", () => {
  const lines = print("md").split("\n");
  expect(lines[0]).toMatch(/^\| model +\| +size \|/u);
  expect(lines[2]).toContain("| llama ?B Q4_0 ");
  expect(lines[2]).toContain(" 1.20 MiB | ");
  expect(lines[2]).toContain(" 2.23 M | ");
  expect(lines[2]).toMatch(/pp64 \| +44457\.92 ± 75\.89 \|$/u);
  expect(lines.at(-2)).toBe("build: 5b4ebc5 (1)");
});

test("mean and sample deviation", () => {
  expect(meanAndDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
    mean: 5,
    deviation: Math.sqrt(32 / 7),
  });
  expect(meanAndDeviation([3])).toEqual({ mean: 3, deviation: 0 });
});
