import { GgufError } from "./gguf-error.js";
import type { MetadataValue } from "./read-metadata.js";
import { fileTypeName } from "./tensor-types.js";

/** What the tokenizer metadata says. Counts are array lengths in the file. */
export interface TokenizerFacts {
  /** `gpt2` (byte-level BPE), `llama` (SentencePiece), `bert`, `t5`, `rwkv`, `no_vocab`, ... */
  readonly model: string;
  /** llama.cpp's pre-tokenizer name. */
  readonly pre: string | null;
  readonly tokenCount: number | null;
  readonly mergeCount: number | null;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  readonly padTokenId: number | null;
  readonly unknownTokenId: number | null;
  readonly addBosToken: boolean | null;
  readonly hasChatTemplate: boolean;
}

/** Set on files that this package wrote: random weights, not a trained model. */
export interface SyntheticFacts {
  readonly shape: string;
  readonly quant: string;
  readonly seed: number;
  readonly generatorVersion: number;
}

/** Well-known metadata under one name each, whatever the architecture calls it. Unknown is null. */
export interface ArchitectureFacts {
  readonly architecture: string | null;
  readonly name: string | null;
  /** The name of `general.file_type`, for example `Q4_K_M`. A label, not a measurement: see bitsPerWeight. */
  readonly fileType: string | null;
  readonly tokenizer: TokenizerFacts | null;
  readonly contextLength: number | null;
  readonly embeddingLength: number | null;
  readonly feedForwardLength: number | null;
  readonly blockCount: number | null;
  /** Null also when it differs between blocks. */
  readonly headCount: number | null;
  /** Null also when it differs between blocks. Equals headCount where the file has none (no grouped queries). */
  readonly headCountKv: number | null;
  readonly keyLength: number | null;
  readonly valueLength: number | null;
  readonly vocabularySize: number | null;
  readonly expertCount: number | null;
  readonly expertUsedCount: number | null;
  /** This file's place in a split model: part `index` of `count`. */
  readonly split: { readonly index: number; readonly count: number } | null;
  readonly synthetic: SyntheticFacts | null;
}

/**
 * Picks the well-known facts from metadata.
 * @throws GgufError `bad_metadata` when the architecture is not a text.
 */
export function architectureFacts(metadata: ReadonlyMap<string, MetadataValue>): ArchitectureFacts {
  const read = new MetadataLookup(metadata);
  const architecture = read.architecture();
  const of = (key: string): number | null => read.count(`${architecture}.${key}`);
  const embeddingLength = of("embedding_length");
  const headCount = of("attention.head_count");
  const headLength =
    embeddingLength !== null && headCount !== null && headCount > 0
      ? Math.floor(embeddingLength / headCount)
      : null;
  const tokenizer = tokenizerFacts(read);
  const fileType = read.count("general.file_type");
  return {
    architecture,
    name: read.text("general.name"),
    fileType: fileType === null ? null : fileTypeName(fileType),
    tokenizer,
    contextLength: of("context_length"),
    embeddingLength,
    feedForwardLength: of("feed_forward_length"),
    blockCount: of("block_count"),
    headCount,
    headCountKv: metadata.has(`${architecture}.attention.head_count_kv`)
      ? of("attention.head_count_kv")
      : headCount,
    keyLength: of("attention.key_length") ?? headLength,
    valueLength: of("attention.value_length") ?? headLength,
    vocabularySize: of("vocab_size") ?? tokenizer?.tokenCount ?? null,
    expertCount: of("expert_count"),
    expertUsedCount: of("expert_used_count"),
    split: splitFacts(read),
    synthetic: syntheticFacts(read),
  };
}

function tokenizerFacts(read: MetadataLookup): TokenizerFacts | null {
  const model = read.text("tokenizer.ggml.model");
  if (model === null) return null;
  return {
    model,
    pre: read.text("tokenizer.ggml.pre"),
    tokenCount: read.arrayLength("tokenizer.ggml.tokens"),
    mergeCount: read.arrayLength("tokenizer.ggml.merges"),
    bosTokenId: read.count("tokenizer.ggml.bos_token_id"),
    eosTokenId: read.count("tokenizer.ggml.eos_token_id"),
    padTokenId: read.count("tokenizer.ggml.padding_token_id"),
    unknownTokenId: read.count("tokenizer.ggml.unknown_token_id"),
    addBosToken: read.flag("tokenizer.ggml.add_bos_token"),
    hasChatTemplate: read.has("tokenizer.chat_template"),
  };
}

function splitFacts(read: MetadataLookup): ArchitectureFacts["split"] {
  const index = read.count("split.no");
  const count = read.count("split.count");
  return index === null || count === null || count < 2 ? null : { index, count };
}

function syntheticFacts(read: MetadataLookup): SyntheticFacts | null {
  const shape = read.text("benchfarm.synthetic.shape");
  const quant = read.text("benchfarm.synthetic.quant");
  const seed = read.count("benchfarm.synthetic.seed");
  const generatorVersion = read.count("benchfarm.synthetic.generator_version");
  if (shape === null || quant === null || seed === null || generatorVersion === null) return null;
  return { shape, quant, seed, generatorVersion };
}

/** Values of the wanted kind, null for anything else. */
class MetadataLookup {
  constructor(private readonly metadata: ReadonlyMap<string, MetadataValue>) {}

  architecture(): string | null {
    const value = this.metadata.get("general.architecture");
    if (value === undefined || typeof value === "string") return value ?? null;
    throw new GgufError("bad_metadata", "general.architecture is not a text");
  }

  has(key: string): boolean {
    return this.metadata.has(key);
  }

  text(key: string): string | null {
    const value = this.metadata.get(key);
    return typeof value === "string" ? value : null;
  }

  flag(key: string): boolean | null {
    const value = this.metadata.get(key);
    return typeof value === "boolean" ? value : null;
  }

  /** A non-negative integer. Per-block arrays count where all blocks agree. */
  count(key: string): number | null {
    const value = this.metadata.get(key);
    if (typeof value === "object" && value.kind === "array") {
      const [first, ...rest] = value.values;
      const same = value.complete && rest.every((other) => other === first);
      return same && isCount(first) ? first : null;
    }
    return isCount(value) ? value : null;
  }

  arrayLength(key: string): number | null {
    const value = this.metadata.get(key);
    return typeof value === "object" && value.kind === "array" ? value.length : null;
  }
}

function isCount(value: MetadataValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
