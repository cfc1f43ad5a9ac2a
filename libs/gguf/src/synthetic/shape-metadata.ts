import type { MetadataEntry } from "./encode-header.js";
import { SYNTHETIC_QUANTS, type SyntheticQuant } from "./quant-mix.js";
import type { SyntheticShape, VocabularyShape } from "./shape-types.js";
import { makeVocabulary } from "./vocabulary.js";

/** Raised whenever the same recipe would give other bytes. Part of a recipe, so that a sha256 keeps its meaning. */
export const GENERATOR_VERSION = 1;

/** All metadata of a synthetic file, in file order. Keys as llama.cpp's loader wants them (src/llama-arch.cpp). */
export function shapeMetadata(
  shape: SyntheticShape,
  quant: SyntheticQuant,
  seed: number,
): MetadataEntry[] {
  const prefix = shape.architecture;
  return [
    ["general.architecture", "string", shape.architecture],
    ["general.type", "string", "model"],
    ["general.name", "string", `${shape.name} synthetic`],
    [
      "general.description",
      "string",
      "Random weights in the shape of a named architecture, for measuring speed. Its text means nothing.",
    ],
    ["general.file_type", "u32", SYNTHETIC_QUANTS[quant].fileType],
    ["general.quantization_version", "u32", 2],
    ["benchfarm.synthetic.shape", "string", shape.id],
    ["benchfarm.synthetic.quant", "string", quant],
    ["benchfarm.synthetic.seed", "u64", seed],
    ["benchfarm.synthetic.generator_version", "u32", GENERATOR_VERSION],
    [`${prefix}.block_count`, "u32", shape.blockCount],
    [`${prefix}.context_length`, "u32", shape.contextLength],
    [`${prefix}.embedding_length`, "u32", shape.embeddingLength],
    [`${prefix}.feed_forward_length`, "u32", shape.feedForwardLength],
    [`${prefix}.attention.head_count`, "u32", shape.headCount],
    [`${prefix}.attention.head_count_kv`, "u32", shape.headCountKv],
    [`${prefix}.attention.key_length`, "u32", shape.headLength],
    [`${prefix}.attention.value_length`, "u32", shape.headLength],
    [`${prefix}.attention.layer_norm_rms_epsilon`, "f32", shape.rmsEpsilon],
    [`${prefix}.rope.freq_base`, "f32", shape.ropeFreqBase],
    [`${prefix}.vocab_size`, "u32", shape.vocabulary.size],
    ...architectureMetadata(shape),
    ...tokenizerMetadata(shape.vocabulary, shape.architecture),
  ];
}

function architectureMetadata(shape: SyntheticShape): MetadataEntry[] {
  switch (shape.architecture) {
    case "llama":
      return [["llama.rope.dimension_count", "u32", shape.headLength]];
    case "phi3":
      return [
        ["phi3.rope.dimension_count", "u32", shape.headLength],
        ["phi3.rope.scaling.original_context_length", "u32", shape.originalContextLength],
        ["phi3.rope.scaling.attn_factor", "f32", shape.ropeAttentionFactor],
        ["phi3.attention.sliding_window", "u32", shape.slidingWindow],
      ];
    case "gemma2":
      return [
        ["gemma2.attn_logit_softcapping", "f32", shape.attentionSoftcap],
        ["gemma2.final_logit_softcapping", "f32", shape.finalSoftcap],
        ["gemma2.attention.sliding_window", "u32", shape.slidingWindow],
      ];
    case "qwen35":
      return [
        ["qwen35.rope.dimension_count", "u32", shape.ropeDimensionCount],
        ["qwen35.rope.dimension_sections", "i32[]", shape.ropeDimensionSections],
        ["qwen35.ssm.conv_kernel", "u32", shape.linear.convKernel],
        ["qwen35.ssm.state_size", "u32", shape.linear.stateSize],
        ["qwen35.ssm.group_count", "u32", shape.linear.keyHeads],
        ["qwen35.ssm.time_step_rank", "u32", shape.linear.valueHeads],
        ["qwen35.ssm.inner_size", "u32", shape.linear.valueHeads * shape.linear.stateSize],
        ["qwen35.full_attention_interval", "u32", shape.fullAttentionInterval],
      ];
  }
}

function tokenizerMetadata(vocabulary: VocabularyShape, architecture: string): MetadataEntry[] {
  const { tokens, types, scores, merges } = makeVocabulary(vocabulary);
  const entries: MetadataEntry[] = [["tokenizer.ggml.model", "string", vocabulary.model]];
  if (vocabulary.pre !== null) entries.push(["tokenizer.ggml.pre", "string", vocabulary.pre]);
  entries.push(["tokenizer.ggml.tokens", "string[]", tokens]);
  if (scores !== null) entries.push(["tokenizer.ggml.scores", "f32[]", scores]);
  entries.push(["tokenizer.ggml.token_type", "i32[]", types]);
  if (merges !== null) entries.push(["tokenizer.ggml.merges", "string[]", merges]);
  const ids = [
    ["bos", vocabulary.bosId],
    ["eos", vocabulary.eosId],
    ["padding", vocabulary.padId],
    ["unknown", vocabulary.model === "llama" ? vocabulary.unknownId : null],
  ] as const;
  for (const [role, id] of ids) {
    if (id !== null) entries.push([`tokenizer.ggml.${role}_token_id`, "u32", id]);
  }
  entries.push(["tokenizer.ggml.add_bos_token", "bool", vocabulary.addBos]);
  if (architecture === "gemma2") entries.push(["tokenizer.ggml.add_space_prefix", "bool", false]);
  return entries;
}
