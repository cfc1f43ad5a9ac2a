import type { SyntheticShape } from "./shape-types.js";
import {
  GEMMA2_VOCABULARY,
  LLAMA3_VOCABULARY,
  PHI3_VOCABULARY,
  QWEN35_VOCABULARY,
  SMOLLM2_VOCABULARY,
  TINY_VOCABULARY,
} from "./vocabulary-shapes.js";

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
