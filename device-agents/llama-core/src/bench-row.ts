import type { BenchTest } from "./plan-tests.js";
import type { TimedSample } from "./run-test.js";
import type { LoadEvidence } from "./read-load-log.js";

/** What is the same for every row of one process. */
export interface EngineFacts {
  readonly buildCommit: string;
  readonly buildNumber: number;
  readonly cpuInfo: string;
  readonly gpuInfo: string;
  readonly backends: string;
  /** e.g. `v0.4.0` */
  readonly release: string;
  /** e.g. `@node-llama-cpp/linux-x64@3.21.1` */
  readonly nativePackage: string;
  readonly cpuVariant: string | null;
}

/** What is known of the model of a row. */
export interface ModelFacts {
  readonly description: string;
  readonly sizeBytes: number;
  readonly parameterCount: number;
  readonly loadNs: number;
}

/** Everything one printed row is made of. */
export interface BenchMeasurement {
  readonly engine: EngineFacts;
  readonly model: ModelFacts;
  readonly test: BenchTest;
  readonly evidence: LoadEvidence;
  readonly testTime: string;
  readonly samples: readonly TimedSample[];
  readonly peakRssBytes: number;
}

/** A JSON value as it is to be printed: numbers may carry llama-bench's own notation. */
export class Verbatim {
  constructor(readonly text: string) {}
}

/** Fields of a row in printing order. */
export type RowFields = readonly (readonly [name: string, value: unknown])[];

/** Sample mean and standard deviation (n - 1); the deviation of one sample is 0, as llama-bench prints it. */
export function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  if (values.length <= 1) return { mean, deviation: 0 };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** Tokens per second of each sample: prompt and generated tokens together over the window. */
export function tokensPerSecond(row: Pick<BenchMeasurement, "test" | "samples">): number[] {
  const tokens = row.test.promptTokens + row.test.generatedTokens;
  return row.samples.map((sample) => (1e9 * tokens) / Number(sample.elapsedNs));
}

/**
 * The fields of llama-bench v0.4.0 in its order and types (`test::get_fields` and `json_printer`), then ours,
 * named `benchfarm_`. Settings that this program cannot change carry llama-bench's default.
 */
export function rowFields(row: BenchMeasurement): RowFields {
  const { engine, model, test, evidence } = row;
  const rates = tokensPerSecond(row);
  const ns = meanAndDeviation(row.samples.map((sample) => Number(sample.elapsedNs)));
  const ts = meanAndDeviation(rates);
  return [
    ["build_commit", engine.buildCommit],
    ["build_number", engine.buildNumber],
    ["cpu_info", engine.cpuInfo],
    ["gpu_info", engine.gpuInfo],
    ["backends", engine.backends],
    ["model_filename", test.modelPath],
    ["model_type", model.description],
    ["model_size", model.sizeBytes],
    ["model_n_params", model.parameterCount],
    ["n_batch", test.batchSize],
    ["n_ubatch", test.ubatchSize],
    ["n_threads", test.threads],
    ["cpu_mask", "0x0"],
    ["cpu_strict", false],
    ["poll", test.poll],
    ["type_k", test.cacheTypeK],
    ["type_v", test.cacheTypeV],
    ["n_gpu_layers", test.gpuLayers],
    ["n_cpu_moe", 0],
    ["split_mode", "layer"],
    ["main_gpu", 0],
    ["no_kv_offload", false],
    ["flash_attn", test.flashAttention],
    ["devices", "auto"],
    ["tensor_split", "0.00"],
    ["tensor_buft_overrides", "none"],
    ["load_mode", "auto"],
    ["lazy_mode", "auto"],
    ["embeddings", false],
    ["no_op_offload", 0],
    ["no_host", false],
    ["fit_target", 0],
    ["fit_min_ctx", 0],
    ["n_prompt", test.promptTokens],
    ["n_gen", test.generatedTokens],
    ["n_depth", test.depthTokens],
    ["test_time", row.testTime],
    ["avg_ns", Math.floor(ns.mean)],
    ["stddev_ns", Math.floor(ns.deviation)],
    ["avg_ts", new Verbatim(ts.mean.toFixed(6))],
    ["stddev_ts", new Verbatim(ts.deviation.toFixed(6))],
    ["samples_ns", row.samples.map((sample) => new Verbatim(sample.elapsedNs.toString()))],
    ["samples_ts", rates.map((rate) => new Verbatim(Number(rate.toPrecision(6)).toString()))],
    ["benchfarm_release", engine.release],
    ["benchfarm_native_package", engine.nativePackage],
    ["benchfarm_load_ns", model.loadNs],
    ["benchfarm_effective_backend", evidence.effectiveBackend],
    ["benchfarm_backend_evidence", evidence.lines],
    ["benchfarm_layers_offloaded", evidence.layersOffloaded],
    ["benchfarm_layers_total", evidence.layersTotal],
    ["benchfarm_flash_attn_effective", evidence.flashAttention],
    ["benchfarm_cpu_variant", engine.cpuVariant],
    ["benchfarm_peak_rss_bytes", row.peakRssBytes],
    ["benchfarm_cpu_ns", row.samples.map((sample) => sample.cost.cpuNs)],
    ["benchfarm_run_delay_ns", column(row, (sample) => sample.cost.runDelayNs)],
    ["benchfarm_steal_ns", column(row, (sample) => sample.cost.stealNs)],
  ];
}

function column(
  row: BenchMeasurement,
  read: (sample: TimedSample) => number | null,
): readonly number[] | null {
  const values = row.samples.map(read);
  return values.every((value) => value !== null) ? values : null;
}
