import { createHash } from "node:crypto";
import { createReadStream, existsSync, type StatsFs } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeBlocks, type EncodableType } from "../blocks/block-codec.js";
import { readGgufHeader } from "../read-header.js";
import { layOutModel, planSyntheticModel } from "./plan-model.js";
import { SYNTHETIC_QUANTS, type SyntheticQuant } from "./quant-mix.js";
import { makeFromRecipe, recipeOf } from "./recipe.js";
import { writeSyntheticModel } from "./write-model.js";

/**
 * The files of seed 1. They change only together with GENERATOR_VERSION: a recipe promises its sha256 on every platform.
 */
const GOLDEN: Record<SyntheticQuant, string> = {
  F16: "f08be44f85a62925427abeba050c83a31f91d937b4126a3a05b0e7bb716d3e0b",
  Q8_0: "eff5d3e28f5e07a40e087f66dec56871aaef36446b3a9f130f1b3a9d4d4119c8",
  Q4_0: "7406720567fc3a3dab54937b2540566d6c99a8780baf1b0e4267c69aae12665e",
  Q4_K_M: "2e68f2d5de6cc2cd56b67a0e60de35ddc9635f4404a84541f8d5e6bb6b43d207",
};
const QUANTS = Object.keys(SYNTHETIC_QUANTS) as SyntheticQuant[];
const TINY = "tiny-llama-test";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gguf-write-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe.each(QUANTS)("the tiny model at %s", (quant) => {
  it("has the promised bytes, size and header", async () => {
    const path = join(folder, `tiny.${quant}.gguf`);
    const plan = planSyntheticModel({ shape: TINY, quant, seed: 1 });
    const written = await writeSyntheticModel({ shape: TINY, quant, seed: 1, path });
    expect(written.sha256).toBe(GOLDEN[quant]);
    expect(written.sha256).toBe(await sha256Of(path));
    expect((await stat(path)).size).toBe(plan.sizeBytes);
    expect(written.sizeBytes).toBe(plan.sizeBytes);
    expect(written.header).toMatchObject({
      version: 3,
      architecture: "llama",
      name: expect.stringContaining("synthetic"),
      fileType: quant,
      blockCount: 2,
      embeddingLength: 256,
      feedForwardLength: 512,
      headCount: 4,
      headCountKv: 2,
      keyLength: 64,
      contextLength: 2048,
      vocabularySize: 2048,
      parameterCount: plan.parameterCount,
      tensorBytes: plan.tensorBytes,
      bitsPerWeight: plan.bitsPerWeight,
      dataOffset: plan.headerBytes,
      fileSizeBytes: plan.sizeBytes,
      tokenizer: { model: "gpt2", pre: "llama-bpe", tokenCount: 2048, mergeCount: 2048 - 256 - 16 },
      synthetic: { shape: TINY, quant, seed: 1, generatorVersion: 1 },
    });
    expect(written.header.tensors).toHaveLength(plan.tensorCount);
  });

  it("holds gaussian weights of the right spread, and small rows for rare tokens", async () => {
    const layout = layOutModel({ shape: TINY, quant, seed: 1 });
    const file = await readFile(join(folder, `tiny.${quant}.gguf`));
    const valuesOf = (name: string): Float32Array => {
      const tensor = layout.tensors.find((row) => row.name === name)!;
      const at = layout.plan.headerBytes + tensor.offset;
      return decodeBlocks(tensor.type as EncodableType, file.subarray(at, at + tensor.sizeBytes));
    };
    expect(spread(valuesOf("blk.1.ffn_down.weight"))).toBeCloseTo(1 / Math.sqrt(512), 2);
    expect(spread(valuesOf("blk.0.attn_q.weight"))).toBeCloseTo(1 / 16, 2);
    const norm = valuesOf("blk.0.attn_norm.weight");
    expect(norm.every((value) => value > 0.7 && value < 1.3)).toBe(true);
    const output = valuesOf("output.weight");
    const rows = (from: number, to: number): Float32Array => output.subarray(from * 256, to * 256);
    expect(spread(rows(256, 2032))).toBeCloseTo(0.02, 3);
    expect(spread(rows(0, 256))).toBeCloseTo(0.0025, 3);
    expect(spread(rows(2032, 2048))).toBeCloseTo(0.0025, 3);
  });
});

describe("writeSyntheticModel", () => {
  it("mixes the types of Q4_K_M", async () => {
    const header = await readGgufHeader(join(folder, "tiny.Q4_K_M.gguf"));
    expect(new Set(header.tensors.map((tensor) => tensor.type))).toEqual(
      new Set(["F32", "Q4_K", "Q6_K"]),
    );
  });

  it("gives other bytes for another seed, the same for the same", async () => {
    const write = async (seed: number): Promise<string> =>
      (
        await writeSyntheticModel({
          shape: TINY,
          quant: "Q4_0",
          seed,
          path: join(folder, "seeded.gguf"),
        })
      ).sha256;
    const [first, second, large] = [await write(1), await write(2), await write(2 ** 52 + 1)];
    expect(first).toBe(GOLDEN.Q4_0);
    expect(new Set([first, second, large]).size).toBe(3);
  });

  it("reports progress up to the whole file and stays in bounded memory", async () => {
    const path = join(folder, "smollm2.gguf");
    const plan = planSyntheticModel({ shape: "smollm2-135m", quant: "F16", seed: 1 });
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const seen: number[] = [];
    await writeSyntheticModel({
      shape: "smollm2-135m",
      quant: "F16",
      seed: 1,
      path,
      onProgress: ({ writtenBytes, totalBytes }) => {
        expect(totalBytes).toBe(plan.sizeBytes);
        seen.push(writtenBytes);
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      },
    });
    await rm(path);
    expect(plan.sizeBytes).toBeGreaterThan(250e6);
    expect(most).toBeLessThan(64e6);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.at(-1)).toBe(plan.sizeBytes);
  });

  it("leaves nothing behind when it is aborted, and keeps what was there", async () => {
    const path = join(folder, "aborted.gguf");
    await writeSyntheticModel({ shape: TINY, quant: "Q8_0", seed: 1, path });
    const stop = new AbortController();
    const writing = writeSyntheticModel({
      shape: "smollm2-135m",
      quant: "F16",
      seed: 1,
      path,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(writing).rejects.toThrow("enough");
    expect((await readdir(folder)).filter((name) => name.endsWith(".partial"))).toEqual([]);
    expect(await sha256Of(path)).toBe(GOLDEN.Q8_0);
  });

  it("says what to do when the folder is missing", async () => {
    const path = join(folder, "missing", "model.gguf");
    const writing = writeSyntheticModel({ shape: TINY, quant: "Q8_0", seed: 1, path });
    await expect(writing).rejects.toMatchObject({
      name: "SyntheticWriteError",
      code: "write_failed",
      message: expect.stringContaining("create the folder"),
    });
  });

  describe("on a full disk", () => {
    const files = jest.requireActual<typeof import("node:fs/promises")>("node:fs/promises");
    const path = (): string => join(folder, "full.gguf");
    afterEach(() => jest.restoreAllMocks());

    it("refuses before it writes when the free space is short", async () => {
      const space = { bavail: 300, bsize: 4096 } as StatsFs;
      jest.spyOn(files, "statfs").mockResolvedValueOnce(space);
      const writing = writeSyntheticModel({ shape: TINY, quant: "F16", seed: 1, path: path() });
      await expect(writing).rejects.toMatchObject({
        code: "disk_full",
        message: expect.stringMatching(/needs 45\d{5} free bytes .* has 1228800/),
      });
      expect(existsSync(path())).toBe(false);
    });

    it("cleans up when the space runs out while writing", async () => {
      const open = files.open;
      jest.spyOn(files, "open").mockImplementationOnce(async (...parameters) => {
        const handle = await open(...parameters);
        const full = Object.assign(new Error("no space left"), { code: "ENOSPC" });
        jest.spyOn(handle, "writev").mockRejectedValue(full);
        return handle;
      });
      const writing = writeSyntheticModel({ shape: TINY, quant: "F16", seed: 1, path: path() });
      await expect(writing).rejects.toMatchObject({ code: "disk_full" });
      expect((await readdir(folder)).filter((name) => name.startsWith("full"))).toEqual([]);
    });

    it("goes on where a write stopped short", async () => {
      const open = files.open;
      jest.spyOn(files, "open").mockImplementationOnce(async (...parameters) => {
        const handle = await open(...parameters);
        const writev = handle.writev.bind(handle);
        jest.spyOn(handle, "writev").mockImplementation((pieces) => {
          const [first] = pieces;
          return writev([(first as Uint8Array).subarray(0, 70_001)]) as never;
        });
        return handle;
      });
      const written = await writeSyntheticModel({
        shape: TINY,
        quant: "F16",
        seed: 1,
        path: path(),
      });
      expect(await sha256Of(path())).toBe(GOLDEN.F16);
      expect(written.sha256).toBe(GOLDEN.F16);
    });
  });
});

describe("recipes", () => {
  it("make the same file again", async () => {
    const recipe = recipeOf(TINY, "Q4_K_M");
    expect(JSON.parse(JSON.stringify(recipe))).toEqual({
      kind: "synthetic",
      shape: TINY,
      quant: "Q4_K_M",
      seed: 1,
      generatorVersion: 1,
    });
    const written = await makeFromRecipe(recipe, join(folder, "recipe.gguf"));
    expect(written.sha256).toBe(GOLDEN.Q4_K_M);
  });

  it("of another generator are refused", async () => {
    const recipe = { ...recipeOf(TINY, "F16"), generatorVersion: 99 };
    await expect(makeFromRecipe(recipe, join(folder, "other.gguf"))).rejects.toThrow("version 99");
  });

  it("refuse unknown names and seeds", () => {
    expect(() => recipeOf("gpt-5", "F16")).toThrow(/unknown synthetic shape "gpt-5".*qwen3.5-0.8b/);
    expect(() => recipeOf(TINY, "Q3_K" as SyntheticQuant)).toThrow(/known: F16, Q8_0/);
    expect(() => recipeOf(TINY, "F16", -1)).toThrow(RangeError);
    expect(() => recipeOf(TINY, "F16", 0.5)).toThrow(RangeError);
  });
});

function spread(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
