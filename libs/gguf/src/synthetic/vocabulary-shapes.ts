import type { VocabularyShape } from "./shape-types.js";

// Sizes, special ids and pre-tokenizers as in the released GGUF files of each family.

export const QWEN35_VOCABULARY: VocabularyShape = {
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

export const LLAMA3_VOCABULARY: VocabularyShape = {
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

export const SMOLLM2_VOCABULARY: VocabularyShape = {
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

export const PHI3_VOCABULARY: VocabularyShape = {
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

export const GEMMA2_VOCABULARY: VocabularyShape = {
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

export const TINY_VOCABULARY: VocabularyShape = {
  ...LLAMA3_VOCABULARY,
  size: 2_048,
  control: { 2_032: "<|begin_of_text|>", 2_033: "<|end_of_text|>" },
  controlRanges: [[2_032, 2_048]],
  bosId: 2_032,
  eosId: 2_033,
};
