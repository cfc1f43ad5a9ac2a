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
