import {
  newId,
  workloadKind,
  workloadName,
  WorkloadSpec,
  type Backend,
  type Conditions,
  type EngineFacts,
  type MachineFacts,
  type ResultSubmission,
  type Sample,
} from "@benchfarm/contracts";
import { createTestDatabase, ensureTemplateDatabase } from "@benchfarm/embedded-postgres";
import { loadConfig } from "../platform/config.js";
import { Database, Prisma } from "../platform/database/database.js";
import { migrationsDigest, runMigrations } from "../platform/database/migrate.js";

/** A migrated database without a program around it, for tests of stores and verbs. */
export async function openFarmDatabase(): Promise<{
  url: string;
  database: Database;
  close(): Promise<void>;
}> {
  const server = process.env["BENCHFARM_TEST_DATABASE_URL"];
  if (server === undefined) {
    throw new Error("BENCHFARM_TEST_DATABASE_URL is not set; run the tests with npx jest");
  }
  const template = await ensureTemplateDatabase(
    server,
    `farm_${migrationsDigest().slice(0, 16)}`,
    async (url) => void (await runMigrations(url)),
  );
  const own = await createTestDatabase(server, { template });
  const database = new Database(
    loadConfig({ DATABASE_URL: own.url, BENCHFARM_DATABASE_CONNECTIONS: "6" }),
  );
  return {
    url: own.url,
    database,
    async close() {
      await database.close();
      await own.drop();
    },
  };
}

export const LLAMA: EngineFacts = {
  adapter: "llama-cpp",
  name: "llama.cpp",
  version: "b6000",
  build: "abc1234",
  program: "llama-core",
};

export const DECODE: WorkloadSpec = WorkloadSpec.parse({ promptTokens: 0, generatedTokens: 32 });
export const PREFILL: WorkloadSpec = WorkloadSpec.parse({ promptTokens: 64, generatedTokens: 0 });

export function machineFacts(over: Partial<MachineFacts> = {}): MachineFacts {
  return {
    manufacturer: null,
    product: null,
    formFactor: "laptop",
    virtualisation: null,
    cpuModel: "Test CPU",
    cpuVendor: null,
    physicalCores: 2,
    logicalCores: 2,
    performanceCores: null,
    efficiencyCores: null,
    isaExtensions: null,
    memoryBytes: 8e9,
    memoryBandwidthBytesPerSecond: 10e9,
    memoryBandwidthMethod: "test",
    gpus: [],
    os: {
      platform: "linux",
      name: null,
      version: null,
      build: null,
      kernel: null,
      architecture: "x64",
    },
    power: { source: "mains", batteryPercent: null },
    ...over,
  };
}

export function conditions(over: Partial<Conditions> = {}): Conditions {
  return {
    temperaturesCelsius: null,
    thermalStatus: null,
    loadAverage1m: 0.1,
    cpuBusyFraction: 0.02,
    cpuStealFraction: 0,
    cpuFrequenciesMHz: null,
    governor: null,
    memoryAvailableBytes: 4e9,
    swapUsedBytes: 0,
    powerSource: "mains",
    batteryPercent: null,
    ...over,
  };
}

/** A repetition that took 10 ms a token, of a workload's shape. */
export function sample(workload: WorkloadSpec, index: number, over: Partial<Sample> = {}): Sample {
  const { promptTokens, generatedTokens } = workload;
  const promptNs = promptTokens === 0 ? null : promptTokens * 1e7;
  const generationNs = generatedTokens === 0 ? null : generatedTokens * 1e7;
  return {
    index,
    warmup: index === 0,
    promptTokens,
    promptNs,
    generatedTokens,
    generationNs,
    totalNs: (promptNs ?? 0) + (generationNs ?? 0),
    loadNs: 5e8,
    cpuNs: 1e8,
    peakMemoryBytes: 100 * 1_048_576,
    gateMs: 10,
    before: conditions(),
    after: conditions(),
    ...over,
  };
}

/** A good submission: one warm-up and as many repetitions as asked, each over the one before by `stepNs` a token. */
export function submission(
  workload: WorkloadSpec,
  modelSha256: string,
  over: Partial<ResultSubmission> = {},
): ResultSubmission {
  return {
    resultId: newId("result"),
    failure: null,
    samples: Array.from({ length: workload.repetitions + 1 }, (_, index) =>
      sample(workload, index),
    ),
    engine: LLAMA,
    requestedBackend: "cpu",
    effectiveBackend: "cpu",
    backendEvidence: ["load_backend: loaded CPU backend"],
    settings: {
      threads: 2,
      batchSize: 2048,
      microBatchSize: 512,
      flashAttention: "auto",
      cacheTypeK: "f16",
      cacheTypeV: "f16",
      gpuLayers: 0,
      cpuVariant: "haswell",
    },
    modelSha256,
    command: ["llama-core", "-m", "/var/cache/x/model.gguf", "-n", "32"],
    rawOutput: "{}",
    agentVersion: "0.1.0",
    phasesMs: { prepareMs: 1, gateMs: 2, measureMs: 3 },
    ...over,
  };
}

/** A SHA-256 for a name: all that matters is that it is one, and another for another name. */
export function fakeSha256(name: string): string {
  return Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64);
}

/** Rows of the slices to the left, written by SQL. Names are unique per org. */
export class FarmRows {
  constructor(
    readonly database: Database,
    readonly orgId: string = newId("org"),
  ) {}

  async #run(sql: Prisma.Sql): Promise<void> {
    await this.database.prisma.$executeRaw(sql);
  }

  async org(): Promise<string> {
    await this.#run(
      Prisma.sql`insert into org (id, slug, name) values (${this.orgId}, ${this.orgId.slice(-20)}, 'Test')`,
    );
    return this.orgId;
  }

  async sku(name: string): Promise<string> {
    const id = newId("sku");
    await this.#run(
      Prisma.sql`insert into sku (id, org_id, key, name) values (${id}, ${this.orgId}, ${id}, ${name})`,
    );
    return id;
  }

  async model(
    name: string,
    over: { weights?: string; parameterCount?: number; family?: string } = {},
  ): Promise<string> {
    const id = newId("model");
    await this.#run(Prisma.sql`
      insert into model (id, org_id, family, name, revision, architecture, parameter_count, weights)
      values (${id}, ${this.orgId}, ${over.family ?? "test"}, ${name}, '1', 'llama', ${over.parameterCount ?? 1e9}, ${over.weights ?? "released"})`);
    return id;
  }

  async quant(
    modelId: string,
    name: string,
    over: { bitsPerWeight?: number; decodeBytesPerToken?: number | null; weights?: string } = {},
  ): Promise<{ id: string; sha256: string }> {
    const id = newId("quant");
    const sha256 = fakeSha256(id.slice(-28));
    const source = { kind: "file", fileName: `${name}.gguf` };
    await this.#run(Prisma.sql`
      insert into quant (id, org_id, model_id, name, sha256, size_bytes, parameter_count, bits_per_weight,
                         decode_bytes_per_token, weights, source)
      values (${id}, ${this.orgId}, ${modelId}, ${name}, ${sha256}, 1000000, 1000000, ${over.bitsPerWeight ?? 4.5},
              ${over.decodeBytesPerToken === undefined ? 1_000_000 : over.decodeBytesPerToken},
              ${over.weights ?? "released"}, ${JSON.stringify(source)}::jsonb)`);
    return { id, sha256 };
  }

  async engine(over: Partial<EngineFacts> = {}): Promise<string> {
    const id = newId("engine");
    const { adapter, name, version, build, program } = { ...LLAMA, ...over };
    await this.#run(Prisma.sql`
      insert into engine (id, org_id, adapter, name, version, build, program)
      values (${id}, ${this.orgId}, ${adapter}, ${name}, ${version}, ${build}, ${program})`);
    return id;
  }

  async workload(spec: WorkloadSpec): Promise<{ id: string; digest: string }> {
    const id = newId("workload");
    const digest = fakeSha256(id.slice(-28));
    await this.#run(Prisma.sql`
      insert into workload (id, org_id, digest, name, kind, spec)
      values (${id}, ${this.orgId}, ${digest}, ${workloadName(spec)}, ${workloadKind(spec)}, ${JSON.stringify(spec)}::jsonb)`);
    return { id, digest };
  }

  async agent(): Promise<string> {
    const id = newId("agent");
    await this.#run(Prisma.sql`
      insert into agent (id, org_id, name, public_key, enrolment_id, auto_approve, max_devices, agent_version, protocol_version)
      values (${id}, ${this.orgId}, 'agent', ${id}, ${newId("enrolment")}, true, 10, '0.1.0', 1)`);
    return id;
  }

  async device(
    skuId: string,
    name: string,
    over: {
      backends?: Backend[];
      lifecycle?: string;
      tags?: string[];
      simulated?: boolean;
    } = {},
  ): Promise<string> {
    const id = newId("device");
    const agentId = await this.agent();
    const engines = [{ ...LLAMA, backends: over.backends ?? ["cpu"] }];
    await this.#run(Prisma.sql`
      insert into device (id, org_id, agent_id, local_id, sku_id, name, lifecycle, availability, simulated, tags, facts, engines,
                          dimensions_digest)
      values (${id}, ${this.orgId}, ${agentId}, ${id}, ${skuId}, ${name},
              ${over.lifecycle ?? "active"}::device_lifecycle, 'ready', ${over.simulated ?? false},
              ${over.tags ?? []}::text[], ${JSON.stringify(machineFacts())}::jsonb, ${JSON.stringify(engines)}::jsonb, 'test')`);
    return id;
  }

  async run(target: {
    quantId: string;
    workloadId: string;
    deviceId?: string | null;
    skuId?: string | null;
    sweepId?: string | null;
    backend?: Backend;
    engine?: string;
    state?: string;
    outcome?: string | null;
    reason?: string | null;
  }): Promise<string> {
    const id = newId("run");
    const state = target.state ?? "queued";
    const done = state === "done";
    await this.#run(Prisma.sql`
      insert into run (id, org_id, sweep_id, state, outcome, reason, quant_id, workload_id, engine, backend, device_id, sku_id,
                       match_key, band, vft, estimated_ms, next_check_at, ended_at)
      values (${id}, ${this.orgId}, ${target.sweepId ?? null}, ${state}::run_state,
              ${done ? (target.outcome ?? "succeeded") : null}::run_outcome, ${target.reason ?? null},
              ${target.quantId}, ${target.workloadId}, ${target.engine ?? "llama-cpp"}, ${target.backend ?? "cpu"},
              ${target.deviceId ?? null}, ${target.skuId ?? null}, 'match', 1, 0, 1000,
              ${done ? null : new Date()}::timestamptz, ${done ? new Date() : null}::timestamptz)`);
    return id;
  }
}
