import { z } from "zod";
import { Backend, EngineFacts, WeightsOrigin, WorkloadSpec } from "./catalogue.js";
import { PowerSource } from "./device.js";
import { idSchema, Instant, Sha256 } from "./id.js";
import { MetricId } from "./metric.js";
import { PageQuery } from "./page.js";

/** The state of the machine at one moment. Every reading that could not be taken is null; an empty list means "none there". */
export const Conditions = z
  .object({
    temperaturesCelsius: z.array(z.object({ zone: z.string(), celsius: z.number() })).nullable(),
    thermalStatus: z.string().nullable(),
    loadAverage1m: z.number().nullable(),
    /** Busy share of all logical cores since the reading before, 0 to 1. */
    cpuBusyFraction: z.number().nullable(),
    /** Share of time a hypervisor gave to others since the reading before, 0 to 1. */
    cpuStealFraction: z.number().nullable(),
    cpuFrequenciesMHz: z.array(z.number()).nullable(),
    governor: z.string().nullable(),
    memoryAvailableBytes: z.number().nullable(),
    swapUsedBytes: z.number().nullable(),
    powerSource: PowerSource.nullable(),
    batteryPercent: z.number().nullable(),
  })
  .meta({ id: "Conditions" });
export type Conditions = z.infer<typeof Conditions>;

/** One repetition's raw counters, as the engine's own clock read them. Append-only, kept for ever. Unknown is null. */
export const Sample = z
  .object({
    index: z.number().int().min(0),
    /** Warm-up repetitions are recorded and never part of a number. */
    warmup: z.boolean(),
    promptTokens: z.number().int().min(0),
    /** Time of the decode calls over the prompt. Null when the workload has no prompt, or when the engine times the whole only. */
    promptNs: z.number().int().positive().nullable(),
    generatedTokens: z.number().int().min(0),
    generationNs: z.number().int().positive().nullable(),
    /** Time of the whole repetition; equals the one above it has, when there is just one. */
    totalNs: z.number().int().positive().nullable(),
    loadNs: z.number().int().positive().nullable(),
    /** CPU time of the engine's process inside the measured window, all threads. */
    cpuNs: z.number().int().min(0).nullable(),
    peakMemoryBytes: z.number().int().positive().nullable(),
    /** How long the device waited for quiet before this repetition; never part of a measured time. */
    gateMs: z.number().min(0).nullable(),
    before: Conditions.nullable(),
    after: Conditions.nullable(),
  })
  .meta({ id: "Sample" });
export type Sample = z.infer<typeof Sample>;

/** Why a measurement has no number. The list is closed: a new kind of failure is a new row here. */
export const FailureCode = z
  .enum([
    "out_of_memory",
    "unsupported",
    "backend_mismatch",
    "engine_crashed",
    "engine_failed",
    "engine_missing",
    "unreadable_output",
    "non_finite",
    "token_count_mismatch",
    "timed_out",
    "gate_timeout",
    "model_rejected",
    "artifact_unavailable",
    "artifact_corrupt",
    "disk_full",
    "device_lost",
    "agent_failed",
    /** Measured, but the number may not be used; the result's `validityReasons` say why. */
    "invalid_measurement",
  ])
  .meta({ id: "FailureCode" });
export type FailureCode = z.infer<typeof FailureCode>;

export const Failure = z
  .object({
    code: FailureCode,
    message: z.string().max(4000),
    exitCode: z.number().int().nullable().default(null),
    signal: z.string().nullable().default(null),
  })
  .meta({ id: "Failure" });
export type Failure = z.infer<typeof Failure>;

/** Settings as the engine used them, not as they were asked for; part of the comparison key. */
export const EffectiveSettings = z
  .object({
    threads: z.number().int().nullable(),
    batchSize: z.number().int().nullable(),
    microBatchSize: z.number().int().nullable(),
    flashAttention: z.string().nullable(),
    cacheTypeK: z.string().nullable(),
    cacheTypeV: z.string().nullable(),
    gpuLayers: z.number().int().nullable(),
    cpuVariant: z.string().nullable(),
  })
  .meta({ id: "EffectiveSettings" });
export type EffectiveSettings = z.infer<typeof EffectiveSettings>;

/** What an agent submits for one attempt: everything raw. The server computes every rate from these counters. */
export const ResultSubmission = z
  .object({
    resultId: idSchema("result"),
    failure: Failure.nullable(),
    samples: z.array(Sample).max(2000),
    engine: EngineFacts.nullable(),
    requestedBackend: Backend,
    effectiveBackend: Backend.nullable(),
    /** The engine's own lines that show which backend ran. */
    backendEvidence: z.array(z.string()).max(50),
    settings: EffectiveSettings.nullable(),
    /** The artifact that was measured, as verified on the device right before. */
    modelSha256: Sha256.nullable(),
    /** The command of one repetition, as run. */
    command: z.array(z.string()).nullable(),
    /** The engine's output, standard output then standard error, cut to 64 KiB from the end of each. */
    rawOutput: z.string().max(150_000).nullable(),
    agentVersion: z.string(),
    phasesMs: z.object({
      prepareMs: z.number().nullable(),
      gateMs: z.number().nullable(),
      measureMs: z.number().nullable(),
    }),
  })
  .meta({ id: "ResultSubmission" });
export type ResultSubmission = z.infer<typeof ResultSubmission>;

/** `measured`: a number. `failed`: a visible reason instead of one. */
export const ResultStatus = z.enum(["measured", "failed"]).meta({ id: "ResultStatus" });

/** `valid` results enter cells; `held` ones await a person (implausible); `invalid` ones never do. */
export const Validity = z.enum(["valid", "held", "invalid"]).meta({ id: "Validity" });
export type Validity = z.infer<typeof Validity>;

/** The fold of one metric over the measured samples of one result (or the results of one cell). */
export const MetricSummary = z
  .object({
    metric: MetricId,
    n: z.number().int(),
    median: z.number(),
    mean: z.number(),
    /** Sample standard deviation; null when n is 1. */
    stddev: z.number().nullable(),
    min: z.number(),
    max: z.number(),
    /** 95 % bootstrap interval of the median; null when n is under 3. */
    low: z.number().nullable(),
    high: z.number().nullable(),
  })
  .meta({ id: "MetricSummary" });
export type MetricSummary = z.infer<typeof MetricSummary>;

/** Everything two numbers must have in common to be compared. Its canonical JSON's SHA-256 is the comparison key. */
export const ComparisonKey = z
  .object({
    skuId: idSchema("sku"),
    cooling: z.string(),
    powerProfile: z.string(),
    simulated: z.boolean(),
    modelSha256: Sha256,
    engineId: idSchema("engine"),
    backend: Backend,
    workloadDigest: Sha256,
    settings: EffectiveSettings,
  })
  .meta({ id: "ComparisonKey" });
export type ComparisonKey = z.infer<typeof ComparisonKey>;

export const Result = z
  .object({
    id: idSchema("result"),
    runId: idSchema("run"),
    attemptId: idSchema("attempt"),
    deviceId: idSchema("device"),
    skuId: idSchema("sku"),
    quantId: idSchema("quant"),
    workloadId: idSchema("workload"),
    engineId: idSchema("engine").nullable(),
    status: ResultStatus,
    failure: Failure.nullable(),
    validity: Validity,
    validityReasons: z.array(z.string()),
    /** The one result of its run that counts. */
    canonical: z.boolean(),
    /** It arrived after its lease was lost; kept as evidence. */
    fenced: z.boolean(),
    requestedBackend: Backend,
    effectiveBackend: Backend.nullable(),
    cellKey: Sha256.nullable(),
    metrics: z.array(MetricSummary),
    createdAt: Instant,
  })
  .meta({ id: "Result" });
export type Result = z.infer<typeof Result>;

/** A result with everything that was measured and how. */
export const ResultDetail = Result.extend({
  samples: z.array(Sample),
  engine: EngineFacts.nullable(),
  settings: EffectiveSettings.nullable(),
  backendEvidence: z.array(z.string()),
  command: z.array(z.string()).nullable(),
  rawOutput: z.string().nullable(),
  agentVersion: z.string(),
}).meta({ id: "ResultDetail" });
export type ResultDetail = z.infer<typeof ResultDetail>;

export const ResultQuery = PageQuery.extend({
  run: z.string().optional(),
  cell: z.string().optional(),
  device: z.string().optional(),
  status: ResultStatus.optional(),
});

/** `held`: its only numbers await a person, and are not in `metrics`. */
export const CellStatus = z.enum(["measured", "held", "failed"]).meta({ id: "CellStatus" });
export type CellStatus = z.infer<typeof CellStatus>;

export const Cell = z
  .object({
    key: Sha256,
    keyFields: ComparisonKey,
    status: CellStatus,
    failure: Failure.nullable(),
    skuId: idSchema("sku"),
    skuName: z.string(),
    modelId: idSchema("model"),
    modelName: z.string(),
    quantId: idSchema("quant"),
    quantName: z.string(),
    weights: WeightsOrigin,
    engineId: idSchema("engine"),
    engineName: z.string(),
    backend: Backend,
    workloadId: idSchema("workload"),
    workloadName: z.string(),
    resultCount: z.number().int(),
    sampleCount: z.number().int(),
    deviceCount: z.number().int(),
    simulated: z.boolean(),
    /** Over the medians of the cell's valid canonical results; with one result, that result's own summary. */
    metrics: z.array(MetricSummary),
    updatedAt: Instant,
  })
  .meta({ id: "Cell" });
export type Cell = z.infer<typeof Cell>;

/** A cell with its evidence, its conditions and the commands that make the number again. */
export const CellDetail = Cell.extend({
  workload: WorkloadSpec,
  bitsPerWeight: z.number(),
  sizeBytes: z.number().int(),
  results: z.array(ResultDetail),
  reproduce: z.array(z.object({ step: z.string(), command: z.string() })),
}).meta({ id: "CellDetail" });
export type CellDetail = z.infer<typeof CellDetail>;

export const CellQuery = PageQuery.extend({
  sku: z.string().optional(),
  quant: z.string().optional(),
  engine: z.string().optional(),
  backend: Backend.optional(),
  workload: z.string().optional(),
  status: CellStatus.optional(),
});
