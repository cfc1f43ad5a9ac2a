import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ByteSource } from "./byte-source.js";
import { GgufError, type GgufErrorCode } from "./gguf-error.js";
import { readGgufHeader } from "./read-header.js";
import { encodeHeader, type MetadataEntry, type PlacedTensor } from "./synthetic/encode-header.js";
import { RandomStream } from "./synthetic/random-stream.js";

const METADATA: MetadataEntry[] = [
  ["general.architecture", "string", "llama"],
  ["general.name", "string", "Small"],
  ["general.file_type", "u32", 15],
  ["llama.block_count", "u32", 1],
  ["llama.context_length", "u32", 4096],
  ["llama.embedding_length", "u32", 256],
  ["llama.attention.head_count", "u32", 4],
  ["llama.rope.freq_base", "f32", 10000],
  ["tokenizer.ggml.model", "string", "gpt2"],
  ["tokenizer.ggml.tokens", "string[]", Array.from({ length: 300 }, (_, i) => `token${i}`)],
  ["tokenizer.ggml.token_type", "i32[]", Array.from({ length: 300 }, () => 1)],
  ["tokenizer.ggml.add_bos_token", "bool", true],
];

const TENSORS: PlacedTensor[] = [
  { name: "token_embd.weight", shape: [256, 300], type: "Q6_K", offset: 0 },
  { name: "blk.0.attn_k.weight", shape: [256, 64], type: "Q4_K", offset: 63008 },
  { name: "blk.0.attn_norm.weight", shape: [256], type: "F32", offset: 72224 },
];
const DATA_BYTES = 72224 + 1024;

function wholeFile(metadata = METADATA, tensors = TENSORS): Uint8Array {
  const header = encodeHeader(metadata, tensors);
  const file = new Uint8Array(header.length + DATA_BYTES);
  file.set(header);
  return file;
}

function sourceOf(bytes: Uint8Array, sizeBytes: number | null = bytes.length): ByteSource {
  return {
    sizeBytes,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

async function refusal(source: ByteSource | string): Promise<GgufError> {
  const error: unknown = await readGgufHeader(source).catch((caught: unknown) => caught);
  if (!(error instanceof GgufError)) throw new Error(`expected a GgufError, got ${String(error)}`);
  return error;
}

/** The file with `bytes` written over what stands at the end of the first occurrence of `text`. */
function patchedAfter(text: string, delta: number, bytes: number[]): Uint8Array {
  const file = wholeFile();
  const at = Buffer.from(file).indexOf(text) + text.length + delta;
  file.set(bytes, at);
  return file;
}

const HUGE = [255, 255, 255, 255, 255, 255, 255, 127];

describe("readGgufHeader", () => {
  it("reads facts, tensors and counts", async () => {
    const header = await readGgufHeader(sourceOf(wholeFile()));
    expect(header).toMatchObject({
      version: 3,
      architecture: "llama",
      name: "Small",
      fileType: "Q4_K_M",
      alignment: 32,
      blockCount: 1,
      contextLength: 4096,
      embeddingLength: 256,
      feedForwardLength: null,
      headCount: 4,
      headCountKv: 4,
      keyLength: 64,
      vocabularySize: 300,
      synthetic: null,
      split: null,
      parameterCount: 256 * 300 + 256 * 64 + 256,
      tensorBytes: 63000 + 9216 + 1024,
      fileSizeBytes: wholeFile().length,
      dataOffset: wholeFile().length - DATA_BYTES,
      tokenizer: {
        model: "gpt2",
        pre: null,
        tokenCount: 300,
        mergeCount: null,
        eosTokenId: null,
        addBosToken: true,
        hasChatTemplate: false,
      },
    });
    expect(header.bitsPerWeight).toBeCloseTo((73240 * 8) / 93440, 12);
    expect(header.tensors[1]).toEqual({
      name: "blk.0.attn_k.weight",
      shape: [256, 64],
      type: "Q4_K",
      offset: 63008,
      sizeBytes: 9216,
      elementCount: 16384,
    });
    expect(header.metadata.get("tokenizer.ggml.tokens")).toMatchObject({
      kind: "array",
      elementType: "string",
      length: 300,
      complete: false,
    });
  });

  it("reads through a source that gives a byte at a time and no size", async () => {
    const file = wholeFile().subarray(0, 8000);
    const header = await readGgufHeader({
      sizeBytes: null,
      read: (offset) => Promise.resolve(file.subarray(offset, offset + 1)),
    });
    expect(header.tensors).toHaveLength(3);
    expect(header.fileSizeBytes).toBeNull();
  });

  it("reads version 2, and a file without tensors", async () => {
    const file = wholeFile(METADATA.slice(0, 2), []);
    file[4] = 2;
    const header = await readGgufHeader(sourceOf(file));
    expect(header).toMatchObject({ version: 2, bitsPerWeight: null, tokenizer: null });
  });

  it("says which file could not be read", async () => {
    const missing = await refusal("/nonexistent/model.gguf");
    expect(missing.code).toBe("unreadable");
    expect(missing.message).toContain("/nonexistent/model.gguf");
    expect((await refusal(tmpdir())).code).toBe("unreadable");
  });

  it("keeps 64-bit integers exact and long texts short", async () => {
    const long = "x".repeat(300_000);
    const file = wholeFile([
      ["general.architecture", "string", "llama"],
      ["exact", "u64", 2 ** 52],
      ["long", "string", long],
    ]);
    const at = Buffer.from(file).indexOf("exact") + 5 + 4;
    file.set([255, 255, 255, 255, 255, 255, 255, 255], at);
    const header = await readGgufHeader(sourceOf(file));
    expect(header.metadata.get("exact")).toBe("18446744073709551615");
    expect(header.metadata.get("long")).toMatchObject({ kind: "long_text", byteLength: 300_000 });
  });
});

describe("refusals", () => {
  const cases: [string, GgufErrorCode, Uint8Array][] = [
    ["an empty file", "not_gguf", new Uint8Array(0)],
    ["another format", "not_gguf", new TextEncoder().encode("PK\u0003\u0004 and so on")],
    ["version 1", "unsupported_version", patched(4, [1])],
    ["version 4", "unsupported_version", patched(4, [4])],
    ["big-endian", "unsupported_byte_order", patched(4, [0, 0, 0, 3])],
    ["a file of eight bytes", "truncated", wholeFile().subarray(0, 8)],
    ["2^63 tensors", "absurd", patched(8, HUGE)],
    ["2^63 metadata pairs", "absurd", patched(16, HUGE)],
    ["more pairs than bytes", "truncated", patched(16, [0, 255])],
    ["a key of 2^63 bytes", "absurd", patched(24, HUGE)],
    ["a key longer than the file", "truncated", patched(24, [0, 0, 0, 1])],
    ["a text of 2^63 bytes", "absurd", patchedAfter("general.name", 4, HUGE)],
    ["an unknown value type", "unknown_type", patchedAfter("general.name", 0, [99])],
    ["an array of 2^63 elements", "absurd", patchedAfter("tokenizer.ggml.tokens", 8, HUGE)],
    [
      "an array longer than the file",
      "truncated",
      patchedAfter("tokenizer.ggml.token_type", 8, [0, 0, 0, 1]),
    ],
    ["an array element longer than the file", "truncated", patchedAfter("token299", -16, HUGE)],
    ["no dimensions", "absurd", patchedAfter("token_embd.weight", 0, [0])],
    ["five dimensions", "absurd", patchedAfter("token_embd.weight", 0, [5])],
    ["an empty dimension", "absurd", patchedAfter("token_embd.weight", 4, [0, 0])],
    ["a product beyond 2^53", "absurd", patchedAfter("token_embd.weight", 4, HUGE)],
    ["an unknown tensor type", "unknown_type", patchedAfter("token_embd.weight", 20, [200])],
    ["a withdrawn tensor type", "unknown_type", patchedAfter("token_embd.weight", 20, [4])],
    ["rows that no block divides", "bad_layout", patchedAfter("token_embd.weight", 4, [100, 0])],
    ["a misaligned tensor", "bad_layout", patchedAfter("attn_k.weight", 24, [8])],
    ["overlapping tensors", "bad_layout", patchedAfter("attn_k.weight", 24, [0, 0])],
    ["an offset beyond the file", "truncated", patchedAfter("attn_k.weight", 24, [0, 0, 0, 1])],
    ["an offset beyond 2^53", "absurd", patchedAfter("attn_k.weight", 24, HUGE)],
    ["missing tensor data", "truncated", wholeFile().subarray(0, wholeFile().length - 1)],
    [
      "a key twice",
      "bad_metadata",
      wholeFile([
        ["general.name", "string", "a"],
        ["general.name", "string", "b"],
      ]),
    ],
    ["a tensor twice", "bad_layout", wholeFile(METADATA, [TENSORS[2]!, TENSORS[2]!])],
    ["an odd alignment", "bad_metadata", wholeFile([["general.alignment", "u32", 24]])],
    ["no alignment at all", "bad_metadata", wholeFile([["general.alignment", "u32", 0]])],
    ["a numeric architecture", "bad_metadata", wholeFile([["general.architecture", "u32", 1]])],
    ["arrays in arrays without end", "absurd", nestedArrays()],
  ];

  it.each(cases)("%s is %s", async (_what, code, file) => {
    const error = await refusal(sourceOf(file));
    expect(error.code).toBe(code);
    expect(error.message.length).toBeGreaterThan(20);
  });

  it("names the tensor and the place", async () => {
    const error = await refusal(sourceOf(wholeFile().subarray(0, wholeFile().length - 1)));
    expect(error.message).toContain('"blk.0.attn_norm.weight"');
    expect(error.offset).toEqual(expect.any(Number));
  });

  function patched(at: number, bytes: number[]): Uint8Array {
    const file = wholeFile();
    file.set(bytes, at);
    return file;
  }

  function nestedArrays(): Uint8Array {
    const file = wholeFile([["deep", "i32[]", Array.from({ length: 30 }, () => 9)]], []);
    const view = new DataView(file.buffer);
    // Element type "array", one element, again and again.
    for (let at = 24 + 8 + 4 + 4; at + 12 <= file.length; at += 12) {
      view.setUint32(at, 9, true);
      view.setBigUint64(at + 4, 1n, true);
    }
    return file;
  }
});

describe("mutated headers", () => {
  it("either parse or are refused, having read little more than the header once", async () => {
    const original = wholeFile();
    let readBytes = 0;
    const headerBytes = original.length - DATA_BYTES;
    const random = new RandomStream(1, "fuzz");
    const kinds = new Set<string>();
    for (let round = 0; round < 4000; round++) {
      const file = original.slice();
      const edits = 1 + random.nextBelow(3);
      for (let i = 0; i < edits; i++) {
        const value = [0, 1, 9, 127, 255, random.nextBelow(256)][random.nextBelow(6)]!;
        const at = random.nextBelow(headerBytes);
        file.fill(value, at, Math.min(at + 1 + random.nextBelow(8), headerBytes));
      }
      const source = sourceOf(file);
      readBytes = 0;
      const counted: ByteSource = {
        sizeBytes: source.sizeBytes,
        read: async (offset, length) => {
          const bytes = await source.read(offset, length);
          readBytes += bytes.length;
          return bytes;
        },
      };
      kinds.add(await outcome(counted));
      // A work bound that no machine's speed moves: nothing a header says makes the reader go over the file again.
      expect(readBytes).toBeLessThanOrEqual(2 * original.length);
    }
    expect(kinds).toContain("absurd");
  });

  it("at every byte of a small header end in a header or a GgufError", async () => {
    const original = wholeFile(METADATA.slice(0, 9));
    const headerBytes = original.length - DATA_BYTES;
    const kinds = new Set<string>();
    for (let at = 0; at < headerBytes; at++) {
      for (const value of [0, 255, original[at]! ^ 1, original[at]! ^ 128]) {
        const file = original.slice();
        file[at] = value;
        kinds.add(await outcome(sourceOf(file)));
        // Without a known size nothing stops the reader but its own limits.
        kinds.add(await outcome(sourceOf(file, null)));
      }
    }
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining(["absurd", "bad_layout", "not_gguf", "parsed", "truncated"]),
    );
  });

  it("cut anywhere are truncated or not GGUF", async () => {
    const original = wholeFile();
    for (let length = 0; length < original.length - DATA_BYTES; length += 7) {
      const kind = await outcome(sourceOf(original.subarray(0, length)));
      expect(["truncated", "not_gguf"]).toContain(kind);
    }
  });

  async function outcome(source: ByteSource): Promise<string> {
    try {
      await readGgufHeader(source);
      return "parsed";
    } catch (error) {
      if (error instanceof GgufError) return error.code;
      throw error;
    }
  }
});

describe("a source of unknown size", () => {
  const endless = (start: Uint8Array): ByteSource => ({
    sizeBytes: null,
    read: (offset, length) =>
      Promise.resolve(offset === 0 ? start : new Uint8Array(Math.min(length, 1 << 20))),
  });

  /** A header whose first value is an array that claims `count` elements. */
  function claiming(type: "string[]" | "i32[]", count: bigint): Uint8Array {
    const start = encodeHeader([["list", type, []]], []);
    const countAt = 24 + 8 + 4 + 4 + 4;
    new DataView(start.buffer).setBigUint64(countAt, count, true);
    return start.subarray(0, countAt + 8);
  }

  it("is not walked for longer than any vocabulary", async () => {
    const error = await refusal(endless(claiming("string[]", 2n ** 25n)));
    expect(error).toMatchObject({ code: "absurd", offset: 44 });
  });

  it("is given up where no header reaches", async () => {
    const bytes = new Uint8Array([...claiming("i32[]", 2n ** 28n)]);
    bytes[16] = 2;
    const error = await refusal(endless(bytes));
    expect(error.code).toBe("absurd");
    expect(error.message).toContain("header is longer");
  });
});

describe("files", () => {
  it("are read by path", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gguf-header-"));
    try {
      const path = join(folder, "small.gguf");
      await writeFile(path, wholeFile());
      expect((await readGgufHeader(path)).tensors).toHaveLength(3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
