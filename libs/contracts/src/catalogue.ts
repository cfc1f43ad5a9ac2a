import { z } from "zod";
import { idSchema, Instant, Sha256 } from "./id.js";
import { PageQuery } from "./page.js";

/** What executes a model. Requested and effective backend are two fields everywhere. */
export const Backend = z
  .enum([
    "cpu",
    "metal",
    "cuda",
    "vulkan",
    "opencl",
    "hexagon",
    "ane",
    "coreml",
    "nnapi",
    "webgpu",
    "wasm",
    "directml",
    "rocm",
    "sycl",
    "qnn",
    "other",
  ])
  .meta({ id: "Backend" });
export type Backend = z.infer<typeof Backend>;

/** `released`: a published file by its digest. `synthetic`: shape-faithful random weights; speed comparable, quality meaningless. */
export const WeightsOrigin = z.enum(["released", "synthetic"]).meta({ id: "WeightsOrigin" });
export type WeightsOrigin = z.infer<typeof WeightsOrigin>;

export const Gpu = z.object({
  name: z.string(),
  vendor: z.string().nullable(),
  memoryBytes: z.number().int().nullable(),
  driver: z.string().nullable(),
});

/** A kind of hardware, as data. Devices with equal `key` are units of one Sku; unknown facts are null. */
export const Sku = z
  .object({
    id: idSchema("sku"),
    key: z.string(),
    name: z.string(),
    formFactor: z.string().nullable(),
    manufacturer: z.string().nullable(),
    product: z.string().nullable(),
    cpuModel: z.string().nullable(),
    physicalCores: z.number().int().nullable(),
    logicalCores: z.number().int().nullable(),
    memoryBytes: z.number().int().nullable(),
    architecture: z.string().nullable(),
    virtualisation: z.string().nullable(),
    gpus: z.array(Gpu),
    createdAt: Instant,
  })
  .meta({ id: "Sku" });
export type Sku = z.infer<typeof Sku>;

export const Model = z
  .object({
    id: idSchema("model"),
    family: z.string(),
    name: z.string(),
    revision: z.string(),
    architecture: z.string(),
    parameterCount: z.number().int().nullable(),
    weights: WeightsOrigin,
    createdAt: Instant,
  })
  .meta({ id: "Model" });
export type Model = z.infer<typeof Model>;

/** How the bytes of a Quant came to be; `synthetic` carries all that is needed to make the same bytes again. */
export const QuantSource = z
  .discriminatedUnion("kind", [
    z.object({
      kind: z.literal("synthetic"),
      shape: z.string(),
      quant: z.string(),
      seed: z.number().int(),
      generatorVersion: z.number().int(),
    }),
    z.object({ kind: z.literal("file"), fileName: z.string() }),
    z.object({ kind: z.literal("url"), url: z.url() }),
  ])
  .meta({ id: "QuantSource" });
export type QuantSource = z.infer<typeof QuantSource>;

/** One quantised file of a Model, identified by `sha256`. Counts come from the file's own header, never from its name. */
export const Quant = z
  .object({
    id: idSchema("quant"),
    modelId: idSchema("model"),
    modelName: z.string(),
    name: z.string(),
    sha256: Sha256,
    sizeBytes: z.number().int(),
    format: z.literal("gguf"),
    parameterCount: z.number().int(),
    bitsPerWeight: z.number(),
    /** Bytes of weights read for one generated token; the roofline's denominator. Null when the header does not tell. */
    decodeBytesPerToken: z.number().int().nullable(),
    kvBytesPerToken: z.number().int().nullable(),
    contextLength: z.number().int().nullable(),
    weights: WeightsOrigin,
    source: QuantSource,
    createdAt: Instant,
  })
  .meta({ id: "Quant" });
export type Quant = z.infer<typeof Quant>;

/** Registers the stored artifact `sha256` as a quant; the server reads the file's header itself. Repeating it is a success. */
export const RegisterQuant = z
  .object({
    sha256: Sha256,
    source: QuantSource,
    family: z.string().min(1).max(100).optional(),
    modelName: z.string().min(1).max(200).optional(),
    quantName: z.string().min(1).max(50).optional(),
    revision: z.string().min(1).max(100).optional(),
  })
  .meta({ id: "RegisterQuant" });
export type RegisterQuant = z.infer<typeof RegisterQuant>;

/** A stored file. */
export const Artifact = z
  .object({ sha256: Sha256, sizeBytes: z.number().int(), createdAt: Instant })
  .meta({ id: "Artifact" });
export type Artifact = z.infer<typeof Artifact>;

/** An inference program at a version and build; registered from what agents report. `adapter` names the room in libs/engines. */
export const EngineFacts = z.object({
  adapter: z.string(),
  name: z.string(),
  version: z.string(),
  /** What tells two builds of one version apart: the digest of the program's own files, or its commit. */
  build: z.string(),
  program: z.string(),
});
export type EngineFacts = z.infer<typeof EngineFacts>;

export const Engine = EngineFacts.extend({ id: idSchema("engine"), createdAt: Instant }).meta({
  id: "Engine",
});
export type Engine = z.infer<typeof Engine>;

export const Profile = z
  .enum(["performance", "sustained", "energy", "memory", "conformance"])
  .meta({ id: "Profile" });
export type Profile = z.infer<typeof Profile>;

/** What is asked of the engine. Immutable: the digest over these fields is the workload's identity. */
export const WorkloadSpec = z
  .object({
    profile: Profile.default("performance"),
    promptTokens: z.number().int().min(0).max(1_048_576),
    generatedTokens: z.number().int().min(0).max(1_048_576),
    /** Tokens already in the context before the measured part. */
    depthTokens: z.number().int().min(0).max(1_048_576).default(0),
    repetitions: z.number().int().min(1).max(1000).default(5),
    /** Whole repetitions run and recorded first, but never part of a number. */
    warmupRepetitions: z.number().int().min(0).max(20).default(1),
    /** Repetitions go on past `repetitions` until the measured time reaches this. */
    minimumMeasuredMs: z.number().int().min(0).max(3_600_000).default(0),
    batchSize: z.number().int().min(1).max(65_536).default(2048),
    microBatchSize: z.number().int().min(1).max(65_536).default(512),
    flashAttention: z.enum(["auto", "on", "off"]).default("auto"),
    cacheTypeK: z.string().default("f16"),
    cacheTypeV: z.string().default("f16"),
    /** Null: as many as the device has physical cores. The number used is recorded with the result and is part of its key. */
    threads: z.number().int().min(1).max(1024).nullable().default(null),
  })
  .refine((w) => w.promptTokens + w.generatedTokens > 0, {
    message: "ask for at least one prompt token or one generated token",
  })
  .meta({ id: "WorkloadSpec" });
export type WorkloadSpec = z.infer<typeof WorkloadSpec>;

export const WorkloadKind = z
  .enum(["prefill", "decode", "end_to_end"])
  .meta({ id: "WorkloadKind" });
export type WorkloadKind = z.infer<typeof WorkloadKind>;

export const Workload = z
  .object({
    id: idSchema("workload"),
    digest: Sha256,
    /** llama-bench's own short name of the test: pp512, tg128, pp512+tg128, with `@d4096` for a depth. */
    name: z.string(),
    kind: WorkloadKind,
    spec: WorkloadSpec,
    createdAt: Instant,
  })
  .meta({ id: "Workload" });
export type Workload = z.infer<typeof Workload>;

/** Which kind of number a workload yields. */
export function workloadKind(
  spec: Pick<WorkloadSpec, "promptTokens" | "generatedTokens">,
): WorkloadKind {
  if (spec.generatedTokens === 0) return "prefill";
  return spec.promptTokens === 0 ? "decode" : "end_to_end";
}

/** The short name of a workload in llama-bench's notation. */
export function workloadName(
  spec: Pick<WorkloadSpec, "promptTokens" | "generatedTokens" | "depthTokens">,
): string {
  const parts = [
    ...(spec.promptTokens > 0 ? [`pp${spec.promptTokens}`] : []),
    ...(spec.generatedTokens > 0 ? [`tg${spec.generatedTokens}`] : []),
  ].join("+");
  return spec.depthTokens > 0 ? `${parts}@d${spec.depthTokens}` : parts;
}

export const QuantQuery = PageQuery.extend({
  model: z.string().optional(),
  name: z.string().optional(),
  weights: WeightsOrigin.optional(),
});
