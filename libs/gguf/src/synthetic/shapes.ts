/** How a synthetic vocabulary is laid out: where the control tokens and the byte tokens of the real one sit. */
export interface VocabularyShape {
  /** `gpt2` is byte-level BPE with merges, `llama` is SentencePiece with scores. */
  readonly model: "gpt2" | "llama";
  /** llama.cpp's pre-tokenizer name, null for SentencePiece. */
  readonly pre: string | null;
  readonly size: number;
  /** Control tokens by id. Ids of control ranges without a name get a numbered one. */
  readonly control: Readonly<Record<number, string>>;
  /** Half-open id ranges of further, unnamed control tokens. */
  readonly controlRanges: readonly (readonly [number, number])[];
  /** Id of the first of the 256 byte tokens. */
  readonly firstByteId: number;
  readonly bosId: number | null;
  readonly eosId: number;
  readonly padId: number | null;
  readonly unknownId: number | null;
  readonly addBos: boolean;
}

interface ShapeBase {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly blockCount: number;
  readonly contextLength: number;
  readonly embeddingLength: number;
  readonly feedForwardLength: number;
  readonly headCount: number;
  readonly headCountKv: number;
  readonly headLength: number;
  readonly ropeFreqBase: number;
  readonly rmsEpsilon: number;
  /** True when the output projection reuses the token embedding and the file has no `output.weight`. */
  readonly tiedEmbeddings: boolean;
  readonly vocabulary: VocabularyShape;
}

export interface LlamaShape extends ShapeBase {
  readonly architecture: "llama";
  /** Llama 3 RoPE scaling, which becomes the tensor `rope_freqs.weight`; null without it. */
  readonly ropeScaling: {
    readonly factor: number;
    readonly lowFreqFactor: number;
    readonly highFreqFactor: number;
    readonly originalContextLength: number;
  } | null;
}

export interface Qwen35Shape extends ShapeBase {
  readonly architecture: "qwen35";
  readonly ropeDimensionCount: number;
  readonly ropeDimensionSections: readonly number[];
  /** Every n-th block is full attention, the others are gated delta nets. */
  readonly fullAttentionInterval: number;
  readonly linear: {
    readonly convKernel: number;
    readonly stateSize: number;
    readonly keyHeads: number;
    readonly valueHeads: number;
  };
}

export interface Phi3Shape extends ShapeBase {
  readonly architecture: "phi3";
  readonly originalContextLength: number;
  readonly slidingWindow: number;
  readonly ropeAttentionFactor: number;
}

export interface Gemma2Shape extends ShapeBase {
  readonly architecture: "gemma2";
  readonly slidingWindow: number;
  readonly attentionSoftcap: number;
  readonly finalSoftcap: number;
}

/** A named model architecture: everything that decides tensors and metadata, and nothing else. */
export type SyntheticShape = LlamaShape | Qwen35Shape | Phi3Shape | Gemma2Shape;

const QWEN35_VOCABULARY: VocabularyShape = {
  model: "gpt2",
  pre: "qwen35",
  size: 248_320,
  control: { 248_044: "<|endoftext|>", 248_045: "<|im_start|>", 248_046: "<|im_end|>" },
  controlRanges: [[248_044, 248_320]],
  firstByteId: 0,
  bosId: null,
  eosId: 248_046,
  padId: 248_044,
  unknownId: null,
  addBos: false,
};

const LLAMA3_VOCABULARY: VocabularyShape = {
  model: "gpt2",
  pre: "llama-bpe",
  size: 128_256,
  control: {
    128_000: "<|begin_of_text|>",
    128_001: "<|end_of_text|>",
    128_006: "<|start_header_id|>",
    128_007: "<|end_header_id|>",
    128_008: "<|eom_id|>",
    128_009: "<|eot_id|>",
  },
  controlRanges: [[128_000, 128_256]],
  firstByteId: 0,
  bosId: 128_000,
  eosId: 128_009,
  padId: null,
  unknownId: null,
  addBos: true,
};

const SMOLLM2_VOCABULARY: VocabularyShape = {
  model: "gpt2",
  pre: "smollm",
  size: 49_152,
  control: { 0: "<|endoftext|>", 1: "<|im_start|>", 2: "<|im_end|>" },
  controlRanges: [[0, 17]],
  firstByteId: 17,
  bosId: 1,
  eosId: 2,
  padId: 2,
  unknownId: 0,
  addBos: false,
};

const PHI3_VOCABULARY: VocabularyShape = {
  model: "llama",
  pre: null,
  size: 32_064,
  control: {
    0: "<unk>",
    1: "<s>",
    2: "</s>",
    32_000: "<|endoftext|>",
    32_001: "<|assistant|>",
    32_006: "<|system|>",
    32_007: "<|end|>",
    32_010: "<|user|>",
  },
  controlRanges: [[32_000, 32_064]],
  firstByteId: 3,
  bosId: 1,
  eosId: 32_000,
  padId: 32_000,
  unknownId: 0,
  addBos: false,
};

const GEMMA2_VOCABULARY: VocabularyShape = {
  model: "llama",
  pre: null,
  size: 256_000,
  control: {
    0: "<pad>",
    1: "<eos>",
    2: "<bos>",
    3: "<unk>",
    106: "<start_of_turn>",
    107: "<end_of_turn>",
  },
  controlRanges: [[4, 107]],
  firstByteId: 217,
  bosId: 2,
  eosId: 1,
  padId: 0,
  unknownId: 3,
  addBos: true,
};

const TINY_VOCABULARY: VocabularyShape = {
  ...LLAMA3_VOCABULARY,
  size: 2_048,
  control: { 2_032: "<|begin_of_text|>", 2_033: "<|end_of_text|>" },
  controlRanges: [[2_032, 2_048]],
  bosId: 2_032,
  eosId: 2_033,
};

const LLAMA32_SCALING = {
  factor: 32,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalContextLength: 8_192,
};

const QWEN35_BASE = {
  family: "Qwen 3.5",
  architecture: "qwen35",
  contextLength: 262_144,
  headLength: 256,
  ropeFreqBase: 1e7,
  rmsEpsilon: 1e-6,
  ropeDimensionCount: 64,
  ropeDimensionSections: [11, 11, 10, 0],
  fullAttentionInterval: 4,
  vocabulary: QWEN35_VOCABULARY,
} as const;

const LLAMA32_BASE = {
  family: "Llama 3.2",
  architecture: "llama",
  contextLength: 131_072,
  ropeFreqBase: 500_000,
  rmsEpsilon: 1e-5,
  tiedEmbeddings: true,
  ropeScaling: LLAMA32_SCALING,
  vocabulary: LLAMA3_VOCABULARY,
} as const;

/**
 * The architectures that can be written, one row each. Sources: the models' published configurations
 * (Qwen 3.5 text stacks without the multi-token-prediction block, as the released GGUF files have them).
 */
export const SYNTHETIC_SHAPES: readonly SyntheticShape[] = [
  {
    ...QWEN35_BASE,
    id: "qwen3.5-0.8b",
    name: "Qwen3.5 0.8B",
    blockCount: 24,
    embeddingLength: 1024,
    feedForwardLength: 3584,
    headCount: 8,
    headCountKv: 2,
    tiedEmbeddings: true,
    linear: { convKernel: 4, stateSize: 128, keyHeads: 16, valueHeads: 16 },
  },
  {
    ...QWEN35_BASE,
    id: "qwen3.5-2b",
    name: "Qwen3.5 2B",
    blockCount: 24,
    embeddingLength: 2048,
    feedForwardLength: 6144,
    headCount: 8,
    headCountKv: 2,
    tiedEmbeddings: true,
    linear: { convKernel: 4, stateSize: 128, keyHeads: 16, valueHeads: 16 },
  },
  {
    ...QWEN35_BASE,
    id: "qwen3.5-4b",
    name: "Qwen3.5 4B",
    blockCount: 32,
    embeddingLength: 2560,
    feedForwardLength: 9216,
    headCount: 16,
    headCountKv: 4,
    tiedEmbeddings: true,
    linear: { convKernel: 4, stateSize: 128, keyHeads: 16, valueHeads: 32 },
  },
  {
    ...QWEN35_BASE,
    id: "qwen3.5-9b",
    name: "Qwen3.5 9B",
    blockCount: 32,
    embeddingLength: 4096,
    feedForwardLength: 12288,
    headCount: 16,
    headCountKv: 4,
    tiedEmbeddings: false,
    linear: { convKernel: 4, stateSize: 128, keyHeads: 16, valueHeads: 32 },
  },
  {
    ...LLAMA32_BASE,
    id: "llama-3.2-1b",
    name: "Llama 3.2 1B",
    blockCount: 16,
    embeddingLength: 2048,
    feedForwardLength: 8192,
    headCount: 32,
    headCountKv: 8,
    headLength: 64,
  },
  {
    ...LLAMA32_BASE,
    id: "llama-3.2-3b",
    name: "Llama 3.2 3B",
    blockCount: 28,
    embeddingLength: 3072,
    feedForwardLength: 8192,
    headCount: 24,
    headCountKv: 8,
    headLength: 128,
  },
  {
    id: "phi-3.5-mini",
    name: "Phi 3.5 mini",
    family: "Phi 3.5",
    architecture: "phi3",
    blockCount: 32,
    contextLength: 131_072,
    originalContextLength: 4_096,
    slidingWindow: 262_144,
    ropeAttentionFactor: 1.190238,
    embeddingLength: 3072,
    feedForwardLength: 8192,
    headCount: 32,
    headCountKv: 32,
    headLength: 96,
    ropeFreqBase: 10_000,
    rmsEpsilon: 1e-5,
    tiedEmbeddings: false,
    vocabulary: PHI3_VOCABULARY,
  },
  {
    id: "gemma-2-2b",
    name: "Gemma 2 2B",
    family: "Gemma 2",
    architecture: "gemma2",
    blockCount: 26,
    contextLength: 8_192,
    slidingWindow: 4_096,
    attentionSoftcap: 50,
    finalSoftcap: 30,
    embeddingLength: 2304,
    feedForwardLength: 9216,
    headCount: 8,
    headCountKv: 4,
    headLength: 256,
    ropeFreqBase: 10_000,
    rmsEpsilon: 1e-6,
    tiedEmbeddings: true,
    vocabulary: GEMMA2_VOCABULARY,
  },
  {
    id: "smollm2-135m",
    name: "SmolLM2 135M",
    family: "SmolLM2",
    architecture: "llama",
    blockCount: 30,
    contextLength: 8_192,
    embeddingLength: 576,
    feedForwardLength: 1536,
    headCount: 9,
    headCountKv: 3,
    headLength: 64,
    ropeFreqBase: 100_000,
    rmsEpsilon: 1e-5,
    ropeScaling: null,
    tiedEmbeddings: true,
    vocabulary: SMOLLM2_VOCABULARY,
  },
  {
    id: "tiny-llama-test",
    name: "Tiny Llama (test)",
    family: "Test",
    architecture: "llama",
    blockCount: 2,
    contextLength: 2_048,
    embeddingLength: 256,
    feedForwardLength: 512,
    headCount: 4,
    headCountKv: 2,
    headLength: 64,
    ropeFreqBase: 10_000,
    rmsEpsilon: 1e-5,
    ropeScaling: null,
    tiedEmbeddings: false,
    vocabulary: TINY_VOCABULARY,
  },
];

/**
 * The shape of a name.
 * @throws RangeError that lists the known names.
 */
export function shapeOf(id: string): SyntheticShape {
  const shape = SYNTHETIC_SHAPES.find((row) => row.id === id);
  if (shape === undefined) {
    const known = SYNTHETIC_SHAPES.map((row) => row.id).join(", ");
    throw new RangeError(`unknown synthetic shape "${id}"; known: ${known}`);
  }
  return shape;
}
