import type { ByteSource } from "../byte-source.js";
import { readGgufHeader, type GgufHeader } from "../read-header.js";
import { decodeBytesPerToken, kvBytesPerToken, recurrentStateBytes } from "../weigh-decode.js";
import { layOutModel, planSyntheticModel } from "./plan-model.js";
import type { SyntheticQuant } from "./quant-mix.js";
import { SYNTHETIC_SHAPES } from "./shapes.js";
import { makeVocabulary, rareTokenRanges } from "./vocabulary.js";

const headers = new Map<string, Promise<GgufHeader>>();

/** The header as a reader sees it, without the file's weights. */
function headerOf(shape: string, quant: SyntheticQuant): Promise<GgufHeader> {
  const key = `${shape} ${quant}`;
  const known = headers.get(key) ?? readHeader(shape, quant);
  headers.set(key, known);
  return known;
}

function readHeader(shape: string, quant: SyntheticQuant): Promise<GgufHeader> {
  const { header } = layOutModel({ shape, quant, seed: 1 });
  const source: ByteSource = {
    sizeBytes: null,
    read: (offset, length) => Promise.resolve(header.subarray(offset, offset + length)),
  };
  return readGgufHeader(source);
}

/** Sizes of files that publishers released (bartowski; Qwen: unsloth), which carry a real vocabulary of their own. */
const RELEASED: [string, SyntheticQuant, number][] = [
  ["llama-3.2-1b", "Q4_K_M", 807_694_464],
  ["llama-3.2-3b", "Q4_K_M", 2_019_377_696],
  ["phi-3.5-mini", "Q4_K_M", 2_393_232_672],
  ["gemma-2-2b", "Q4_K_M", 1_708_582_752],
  ["smollm2-135m", "Q4_K_M", 105_454_432],
  ["qwen3.5-0.8b", "Q8_0", 811_843_840],
];

describe("planSyntheticModel", () => {
  it.each(RELEASED)("%s %s is within 0.6 %% of the released file", (shape, quant, released) => {
    const { sizeBytes } = planSyntheticModel({ shape, quant, seed: 1 });
    expect(Math.abs(sizeBytes / released - 1)).toBeLessThan(0.006);
  });

  it.each([
    ["qwen3.5-0.8b", 752_393_024],
    ["qwen3.5-2b", 1_881_825_088],
    ["qwen3.5-4b", 4_205_751_296],
    ["qwen3.5-9b", 8_953_803_264],
    ["llama-3.2-1b", 1_235_814_400 + 32],
    ["llama-3.2-3b", 3_212_749_824 + 64],
    ["phi-3.5-mini", 3_821_079_552 + 96],
    ["gemma-2-2b", 2_614_341_888],
    ["smollm2-135m", 134_515_008],
  ])("%s has %d parameters", (shape, parameters) => {
    expect(planSyntheticModel({ shape, quant: "Q4_0", seed: 1 }).parameterCount).toBe(parameters);
  });

  it.each([
    ["F16", 16.01],
    ["Q8_0", 8.516],
    ["Q4_0", 5.215],
    ["Q4_K_M", 5.511],
  ] as const)("Qwen 3.5 0.8B at %s has %d bits per weight", (quant, bits) => {
    const plan = planSyntheticModel({ shape: "qwen3.5-0.8b", quant, seed: 1 });
    expect(plan.bitsPerWeight).toBeCloseTo(bits, 2);
  });

  it.each(SYNTHETIC_SHAPES.map((shape) => shape.id))("%s reads back as planned", async (id) => {
    const plan = planSyntheticModel({ shape: id, quant: "Q4_K_M", seed: 3 });
    const header = await headerOf(id, "Q4_K_M");
    const shape = SYNTHETIC_SHAPES.find((row) => row.id === id)!;
    expect(header).toMatchObject({
      architecture: shape.architecture,
      blockCount: shape.blockCount,
      contextLength: shape.contextLength,
      embeddingLength: shape.embeddingLength,
      headCount: shape.headCount,
      headCountKv: shape.headCountKv,
      keyLength: shape.headLength,
      vocabularySize: shape.vocabulary.size,
      dataOffset: plan.headerBytes,
      parameterCount: plan.parameterCount,
      tensorBytes: plan.tensorBytes,
      tokenizer: { tokenCount: shape.vocabulary.size, eosTokenId: shape.vocabulary.eosId },
    });
  });
});

describe("the mix of Q4_K_M", () => {
  const typesOf = (shape: string): Map<string, string> =>
    new Map(
      layOutModel({ shape, quant: "Q4_K_M", seed: 1 }).tensors.map((row) => [row.name, row.type]),
    );

  it("gives more bits to the first and last eighth and every third block between", () => {
    const types = typesOf("llama-3.2-1b");
    const blocks = Array.from({ length: 16 }, (_, i) => i);
    const rich = blocks.filter((i) => types.get(`blk.${i}.ffn_down.weight`) === "Q6_K");
    expect(rich).toEqual([0, 1, 4, 7, 10, 13, 14, 15]);
    expect(blocks.filter((i) => types.get(`blk.${i}.attn_v.weight`) === "Q6_K")).toEqual(rich);
    expect(types.get("token_embd.weight")).toBe("Q6_K");
    expect(types.get("blk.0.attn_q.weight")).toBe("Q4_K");
    expect(types.get("rope_freqs.weight")).toBe("F32");
  });

  it("keeps the short convolution, norms and biases in F32", () => {
    const types = typesOf("qwen3.5-0.8b");
    for (const name of ["ssm_conv1d.weight", "ssm_a", "ssm_dt.bias", "ssm_norm.weight"]) {
      expect(types.get(`blk.0.${name}`)).toBe("F32");
    }
    expect(types.get("blk.0.attn_qkv.weight")).toBe("Q6_K");
    expect(types.get("blk.4.attn_qkv.weight")).toBe("Q4_K");
    expect(types.get("blk.0.ssm_alpha.weight")).toBe("Q4_K");
  });

  it("falls back where rows of 576 fit no super-block", () => {
    const types = typesOf("smollm2-135m");
    expect(types.get("token_embd.weight")).toBe("Q8_0");
    expect(types.get("blk.0.attn_q.weight")).toBe("Q5_0");
    expect(types.get("blk.0.attn_v.weight")).toBe("Q8_0");
    expect(types.get("blk.0.ffn_down.weight")).toBe("Q6_K");
  });

  it("gives the output projection, not the embedding, more bits where they are apart", () => {
    const types = typesOf("phi-3.5-mini");
    expect(types.get("output.weight")).toBe("Q6_K");
    expect(types.get("token_embd.weight")).toBe("Q4_K");
  });
});

describe("bytes per token", () => {
  /** Two for keys and values x attending blocks x KV heads x head length x two bytes. */
  it.each([
    ["qwen3.5-0.8b", 12_288],
    ["qwen3.5-2b", 12_288],
    ["qwen3.5-4b", 32_768],
    ["qwen3.5-9b", 32_768],
    ["llama-3.2-1b", 32_768],
    ["llama-3.2-3b", 114_688],
    ["phi-3.5-mini", 393_216],
    ["gemma-2-2b", 106_496],
  ])("the cache of %s grows by %d", async (shape, bytes) => {
    const header = await headerOf(shape, "Q4_0");
    expect(kvBytesPerToken(header)).toBe(bytes);
    expect(kvBytesPerToken(header, { key: 34 / 32, value: 2 })).toBe(bytes * (0.5 + 0.25 * 1.0625));
  });

  it("reads a tied embedding whole, an untied one by its row", async () => {
    const tied = await headerOf("llama-3.2-1b", "Q8_0");
    expect(decodeBytesPerToken(tied)).toBe(tied.tensorBytes);
    const untied = await headerOf("phi-3.5-mini", "Q8_0");
    const embedding = untied.tensors.find((row) => row.name === "token_embd.weight")!.sizeBytes;
    expect(decodeBytesPerToken(untied)).toBe(untied.tensorBytes - embedding + embedding / 32_064);
  });

  it("counts experts by their used share and skips blocks that only predict ahead", async () => {
    const plain = await headerOf("tiny-llama-test", "F16");
    const expert = { ...plain.tensors[3]!, name: "blk.0.ffn_up_exps.weight", sizeBytes: 1000 };
    const ahead = { ...plain.tensors[3]!, name: "blk.2.ffn_up.weight", sizeBytes: 7 };
    const header: GgufHeader = {
      ...plain,
      tensors: [...plain.tensors, expert, ahead],
      blockCount: 3,
      expertCount: 8,
      expertUsedCount: 2,
      metadata: new Map([...plain.metadata, ["llama.nextn_predict_layers", 1]]),
    };
    expect(decodeBytesPerToken(header)).toBe(decodeBytesPerToken(plain)! + 250);
  });

  it("knows the recurrent state of the delta net blocks", async () => {
    const header = await headerOf("qwen3.5-0.8b", "Q4_0");
    expect(recurrentStateBytes(header)).toBe(18 * 4 * (128 * 2048 + 3 * 6144));
    expect(recurrentStateBytes(await headerOf("llama-3.2-1b", "Q4_0"))).toBe(0);
  });

  it("is unknown for a part of a split model and for compressed caches", async () => {
    const plain = await headerOf("tiny-llama-test", "F16");
    const part: GgufHeader = { ...plain, split: { index: 0, count: 2 } };
    expect(decodeBytesPerToken(part)).toBeNull();
    expect(kvBytesPerToken(part)).toBeNull();
    const latent = { ...plain.tensors[0]!, name: "blk.0.attn_kv_a_mqa.weight" };
    expect(kvBytesPerToken({ ...plain, tensors: [...plain.tensors, latent] })).toBeNull();
  });
});

describe("vocabularies", () => {
  it.each(SYNTHETIC_SHAPES.map((shape) => [shape.id, shape.vocabulary] as const))(
    "%s has distinct tokens, merges of known parts, and its bytes",
    (_id, shape) => {
      const { tokens, types, merges, scores } = makeVocabulary(shape);
      expect(tokens).toHaveLength(shape.size);
      expect(types).toHaveLength(shape.size);
      const known = new Set(tokens);
      expect(known.size).toBe(shape.size);
      if (merges === null) {
        expect(scores).toHaveLength(shape.size);
        expect(types.filter((type) => type === 6)).toHaveLength(256);
        expect(tokens[shape.firstByteId + 10]).toBe("<0x0A>");
      } else {
        const broken = merges.filter((merge) => {
          const [left, right] = merge.split(" ") as [string, string];
          return !known.has(left) || !known.has(right) || !known.has(left + right);
        });
        expect(broken).toEqual([]);
        expect(new Set(merges).size).toBe(merges.length);
      }
      for (const id of Object.keys(shape.control)) expect(types[Number(id)]).not.toBe(1);
      const rare = rareTokenRanges(shape).reduce((sum, [from, to]) => sum + to - from, 0);
      expect(rare).toBe(256 + types.filter((type) => type === 2 || type === 3).length);
    },
  );
});
