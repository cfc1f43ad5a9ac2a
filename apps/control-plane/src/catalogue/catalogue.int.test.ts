import { createHash, randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { routes, ServerProblem } from "@benchfarm/contracts";
import { SYNTHETIC_SHAPES, writeSyntheticModel } from "@benchfarm/gguf";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import { ArtifactFiles } from "./artifact-files.js";
import { ensureSku, ensureWorkload, registerEngine } from "./catalogue.store.js";

const sha256Of = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function problemOf(call: Promise<unknown>): Promise<ServerProblem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ServerProblem) return error;
    throw error;
  }
  throw new Error("expected a problem");
}

describe("the catalogue", () => {
  let farm: TestFarm;
  let scratch: string;
  let model: { path: string; sha256: string; bytes: Buffer };
  const put = (sha256: string, body: Buffer | Readable, as = farm) =>
    as.client.open(routes.uploadArtifact, {
      params: { sha256 },
      body: (body instanceof Readable ? Readable.toWeb(body) : body) as never,
    });

  beforeAll(async () => {
    farm = await startTestFarm();
    scratch = await mkdtemp(join(tmpdir(), "benchfarm-catalogue-"));
    const path = join(scratch, "model.gguf");
    const smallest = SYNTHETIC_SHAPES.toSorted(
      (a, b) => a.embeddingLength * a.blockCount - b.embeddingLength * b.blockCount,
    )[0] as (typeof SYNTHETIC_SHAPES)[number];
    const { sha256 } = await writeSyntheticModel({
      shape: smallest.id,
      quant: "Q4_0",
      seed: 7,
      path,
    });
    model = { path, sha256, bytes: await readFile(path) };
  }, 120_000);
  afterAll(async () => {
    await farm.stop();
    await rm(scratch, { recursive: true, force: true });
  });

  it("stores an uploaded file once, and tells its size", async () => {
    const bytes = randomBytes(3_000_000);
    const sha256 = sha256Of(bytes);
    const missing = await problemOf(
      farm.client.open(routes.headArtifact, { params: { sha256 } }),
    ).catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(Error);
    const first = await put(sha256, Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]));
    expect(first.status).toBe(201);
    expect(await first.json()).toMatchObject({ sha256, sizeBytes: 3_000_000 });
    const head = await farm.client.open(routes.headArtifact, { params: { sha256 } });
    expect(head.headers.get("content-length")).toBe("3000000");
    expect((await put(sha256, bytes)).status).toBe(200);
    const stored = farm.app.get(ArtifactFiles).path(sha256);
    expect(sha256Of(await readFile(stored))).toBe(sha256);
  });

  it("refuses bytes of another digest and leaves nothing behind", async () => {
    const sha256 = sha256Of(Buffer.from("what was promised"));
    const problem = await problemOf(put(sha256, Buffer.from("what came")));
    expect(problem.code).toBe("digest_mismatch");
    expect(problem.message).toContain(sha256Of(Buffer.from("what came")));
    expect(await readdir(join(farm.dataDir, "artifacts", "incoming"))).toEqual([]);
    expect(await farm.app.get(ArtifactFiles).sizeOf(sha256)).toBeNull();
  });

  it("takes uploads only as bytes", async () => {
    const reply = await fetch(`${farm.url}/v1/artifacts/${"0".repeat(64)}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${farm.apiKey}`, "content-type": "application/json" },
      body: "{}",
    });
    expect(reply.status).toBe(415);
    expect(((await reply.json()) as { code: string }).code).toBe("unsupported_media_type");
  });

  it("says when its disk is full", async () => {
    const files = farm.app.get(ArtifactFiles);
    const full = new Readable({
      read() {
        this.destroy(Object.assign(new Error("no space"), { code: "ENOSPC" }));
      },
    });
    await expect(files.store(full, "0".repeat(64))).rejects.toMatchObject({ code: "storage_full" });
  });

  it("reads a model's header itself; registering again is a success", async () => {
    await put(model.sha256, model.bytes);
    const body = {
      sha256: model.sha256,
      source: { kind: "file" as const, fileName: "model.gguf" },
    };
    const quant = await farm.client.call(routes.registerQuant, { body });
    expect(quant).toMatchObject({
      sha256: model.sha256,
      sizeBytes: model.bytes.length,
      weights: "synthetic",
      name: "Q4_0",
      format: "gguf",
      source: { kind: "synthetic", quant: "Q4_0", seed: 7 },
    });
    expect(quant.bitsPerWeight).toBeGreaterThan(4);
    expect(quant.bitsPerWeight).toBeLessThan(9);
    expect(quant.decodeBytesPerToken).toBeGreaterThan(1_000_000);
    expect(await farm.client.call(routes.registerQuant, { body })).toEqual(quant);
    const { id } = quant;
    expect(await farm.client.call(routes.readQuant, { params: { id } })).toEqual(quant);
    const models = await farm.client.call(routes.listModels, {});
    expect(models.items).toMatchObject([{ name: quant.modelName, weights: "synthetic" }]);
    const found = await farm.client.call(routes.listQuants, { query: { model: quant.modelName } });
    expect(found.items).toHaveLength(1);
    const none = await farm.client.call(routes.listQuants, { query: { weights: "released" } });
    expect(none.items).toHaveLength(0);
  });

  it("takes in a file that a program on the same machine put into the store, if it is whole", async () => {
    const other = join(scratch, "other.gguf");
    const shape = model.bytes.length > 0 ? "Q8_0" : "Q4_0";
    const smallest = (await farm.client.call(routes.listQuants, {})).items[0]?.source as {
      shape: string;
    };
    const { sha256 } = await writeSyntheticModel({
      shape: smallest.shape,
      quant: shape,
      seed: 8,
      path: other,
    });
    const files = farm.app.get(ArtifactFiles);
    const source = { kind: "file" as const, fileName: "other.gguf" };
    const absent = await problemOf(
      farm.client.call(routes.registerQuant, { body: { sha256, source } }),
    );
    expect(absent.code).toBe("not_found");

    const { apiKey } = await farm.client.call(routes.createOrg, {
      body: { slug: "stranger", name: "Stranger" },
    });
    await mkdir(dirname(files.path(sha256)), { recursive: true });
    await copyFile(other, files.path(sha256));
    const stranger = farm.clientWith(apiKey.secret);
    expect(
      (await problemOf(stranger.call(routes.registerQuant, { body: { sha256, source } }))).code,
    ).toBe("not_found");
    const quant = await farm.client.call(routes.registerQuant, { body: { sha256, source } });
    expect(quant.name).toBe("Q8_0");

    const wrong = sha256Of(Buffer.from("another"));
    await mkdir(dirname(files.path(wrong)), { recursive: true });
    await copyFile(other, files.path(wrong));
    const damaged = await problemOf(
      farm.client.call(routes.registerQuant, { body: { sha256: wrong, source } }),
    );
    expect(damaged.code).toBe("digest_mismatch");
  }, 120_000);

  it.each([
    ["not a model", Buffer.from("certainly not a model file")],
    ["an empty file", Buffer.alloc(0)],
  ])("refuses %s as a quant", async (_, bytes) => {
    const sha256 = sha256Of(bytes);
    await put(sha256, bytes);
    const source = { kind: "file" as const, fileName: "x.gguf" };
    const problem = await problemOf(
      farm.client.call(routes.registerQuant, { body: { sha256, source } }),
    );
    expect(problem.code).toBe("invalid_model_file");
    expect(problem.message).toContain("GGUF");
  });

  it("refuses a truncated model", async () => {
    const bytes = model.bytes.subarray(0, 5000);
    const sha256 = sha256Of(bytes);
    await put(sha256, bytes);
    const source = { kind: "file" as const, fileName: "cut.gguf" };
    const problem = await problemOf(
      farm.client.call(routes.registerQuant, { body: { sha256, source } }),
    );
    expect(problem.code).toBe("invalid_model_file");
  });

  it("keeps one org's files from another, even when it knows the digest", async () => {
    const bytes = randomBytes(1000);
    const sha256 = sha256Of(bytes);
    await put(sha256, bytes);
    const { apiKey, org } = await farm.client.call(routes.createOrg, {
      body: { slug: "vendor", name: "Vendor" },
    });
    const vendor = farm.clientWith(apiKey.secret);
    await expect(vendor.open(routes.headArtifact, { params: { sha256 } })).rejects.toThrow();
    const guess = await problemOf(
      vendor.open(routes.uploadArtifact, { params: { sha256 }, body: Buffer.from("guess") }),
    );
    expect(guess.code).toBe("digest_mismatch");
    const had = await vendor.open(routes.uploadArtifact, { params: { sha256 }, body: bytes });
    expect(had.status).toBe(201);
    await vendor.open(routes.headArtifact, { params: { sha256 } });
    expect(
      (await problemOf(vendor.call(routes.createOrg, { body: { slug: "x", name: "X" } }))).code,
    ).toBe("missing_scope");
    expect(org.slug).toBe("vendor");
  });

  it("knows equal workloads, engines and machines again, also when they come at once", async () => {
    const { database, orgId } = farm;
    const spec = { promptTokens: 512, generatedTokens: 0 };
    const one = await farm.client.call(routes.createWorkload, { body: spec });
    const two = await farm.client.call(routes.createWorkload, {
      body: { ...spec, repetitions: 5 },
    });
    expect(two).toEqual(one);
    expect(one).toMatchObject({ name: "pp512", kind: "prefill" });
    const engine = {
      adapter: "llama-cpp",
      name: "llama.cpp",
      version: "b1",
      build: "abc",
      program: "embedded",
    };
    const machine = {
      manufacturer: "QEMU",
      product: "Standard PC",
      formFactor: "vm",
      virtualisation: "kvm",
      cpuModel: "Intel(R) Xeon(R) CPU @ 2.20GHz",
      cpuVendor: "GenuineIntel",
      physicalCores: 2,
      logicalCores: 2,
      performanceCores: null,
      efficiencyCores: null,
      isaExtensions: null,
      memoryBytes: 25_200_000_000,
      memoryBandwidthBytesPerSecond: null,
      memoryBandwidthMethod: null,
      gpus: null,
      os: {
        platform: "linux",
        name: null,
        version: null,
        build: null,
        kernel: null,
        architecture: "x64",
      },
      power: { source: null, batteryPercent: null },
    };
    const all = await Promise.all(
      Array.from({ length: 8 }, () =>
        database.inTransaction(async (tx) => ({
          engineId: await registerEngine(tx, orgId, engine),
          sku: await ensureSku(tx, orgId, machine),
          workloadId: (await ensureWorkload(tx, orgId, { ...one.spec, promptTokens: 64 })).id,
        })),
      ),
    );
    expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(all[0]?.sku.name).toBe("QEMU Standard PC, Intel Xeon (2 cores), 23 GiB, kvm");
    const slightlyOther = {
      ...machine,
      memoryBytes: 25_190_000_000,
      os: { ...machine.os, kernel: "6" },
    };
    const same = await database.inTransaction((tx) => ensureSku(tx, orgId, slightlyOther));
    expect(same.id).toBe(all[0]?.sku.id);
    const listed = await farm.client.call(routes.listEngines, {});
    expect(listed.items).toMatchObject([engine]);
  });

  it("pages newest first, and refuses cursors that are not its own", async () => {
    for (let n = 1; n <= 5; n += 1) {
      await farm.client.call(routes.createWorkload, {
        body: { promptTokens: 0, generatedTokens: n },
      });
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await farm.client.call(routes.listWorkloads, {
        query: { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
      });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(seen.toSorted().reverse());
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(5);
    const problem = await problemOf(
      farm.client.call(routes.listWorkloads, { query: { cursor: "nonsense!" } }),
    );
    expect(problem.code).toBe("invalid_request");
  });
});
