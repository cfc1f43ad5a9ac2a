import type {
  Gemma2Shape,
  LlamaShape,
  Phi3Shape,
  Qwen35Shape,
  SyntheticShape,
} from "./shape-types.js";

/**
 * How a tensor's numbers are drawn, chosen so that activations and logits stay finite at any depth:
 * - `weight`: gaussian with standard deviation `deviation`;
 * - `embedding`: the same, with the rows of control and byte tokens made small;
 * - `norm`: near 1;
 * - `decay`: the delta net's `ssm_a`, in [-16, -0.1];
 * - `timestep`: the delta net's `dt` bias, the inverse softplus of steps of about 1e-3 to 1e-1;
 * - `table`: given values.
 */
export type Filling =
  | { readonly kind: "weight"; readonly deviation: number }
  | { readonly kind: "embedding"; readonly deviation: number }
  | { readonly kind: "norm" | "decay" | "timestep" }
  | { readonly kind: "table"; readonly values: readonly number[] };

/** A tensor before its type is chosen. `shape` is in GGUF order: the row length first. */
export interface TensorBlueprint {
  readonly name: string;
  readonly shape: readonly number[];
  readonly filling: Filling;
}

const EMBEDDING_DEVIATION = 0.02;

/** The tensors of an architecture in file order, named and shaped as llama.cpp loads them (src/models/*.cpp). */
export function tensorLayout(shape: SyntheticShape): TensorBlueprint[] {
  const { embeddingLength, vocabulary, blockCount } = shape;
  const embedding: TensorBlueprint = {
    name: "token_embd.weight",
    shape: [embeddingLength, vocabulary.size],
    filling: { kind: "embedding", deviation: EMBEDDING_DEVIATION },
  };
  const tensors = [embedding, ...globalTables(shape)];
  for (let index = 0; index < blockCount; index++) {
    for (const tensor of blockTensors(shape, index)) {
      tensors.push({ ...tensor, name: `blk.${index}.${tensor.name}` });
    }
  }
  tensors.push(norm("output_norm.weight", embeddingLength));
  if (!shape.tiedEmbeddings) tensors.push({ ...embedding, name: "output.weight" });
  return tensors;
}

function blockTensors(shape: SyntheticShape, index: number): TensorBlueprint[] {
  switch (shape.architecture) {
    case "llama":
      return llamaBlock(shape);
    case "qwen35":
      return qwen35Block(shape, index);
    case "phi3":
      return phi3Block(shape);
    case "gemma2":
      return gemma2Block(shape);
  }
}

function llamaBlock(shape: LlamaShape): TensorBlueprint[] {
  return [
    norm("attn_norm.weight", shape.embeddingLength),
    ...attention(shape),
    norm("ffn_norm.weight", shape.embeddingLength),
    ...gatedFeedForward(shape),
  ];
}

function gemma2Block(shape: Gemma2Shape): TensorBlueprint[] {
  return [
    ...[norm("attn_norm.weight", shape.embeddingLength)],
    ...attention(shape),
    norm("post_attention_norm.weight", shape.embeddingLength),
    norm("ffn_norm.weight", shape.embeddingLength),
    ...gatedFeedForward(shape),
    norm("post_ffw_norm.weight", shape.embeddingLength),
  ];
}

function phi3Block(shape: Phi3Shape): TensorBlueprint[] {
  const { embeddingLength: hidden, feedForwardLength: inner, headLength } = shape;
  const rows = (shape.headCount + 2 * shape.headCountKv) * headLength;
  return [
    norm("attn_norm.weight", hidden),
    weight("attn_qkv.weight", hidden, rows),
    weight("attn_output.weight", shape.headCount * headLength, hidden),
    norm("ffn_norm.weight", hidden),
    weight("ffn_up.weight", hidden, 2 * inner),
    weight("ffn_down.weight", inner, hidden),
  ];
}

function qwen35Block(shape: Qwen35Shape, index: number): TensorBlueprint[] {
  const { embeddingLength: hidden, headLength, linear } = shape;
  const rest = [norm("post_attention_norm.weight", hidden), ...gatedFeedForward(shape)];
  if ((index + 1) % shape.fullAttentionInterval === 0) {
    return [
      norm("attn_norm.weight", hidden),
      // The query projection carries one gate per query, hence twice the width.
      weight("attn_q.weight", hidden, 2 * shape.headCount * headLength),
      weight("attn_k.weight", hidden, shape.headCountKv * headLength),
      weight("attn_v.weight", hidden, shape.headCountKv * headLength),
      weight("attn_output.weight", shape.headCount * headLength, hidden),
      norm("attn_q_norm.weight", headLength),
      norm("attn_k_norm.weight", headLength),
      ...rest,
    ];
  }
  const keyWidth = linear.keyHeads * linear.stateSize;
  const valueWidth = linear.valueHeads * linear.stateSize;
  return [
    norm("attn_norm.weight", hidden),
    weight("attn_qkv.weight", hidden, 2 * keyWidth + valueWidth),
    weight("attn_gate.weight", hidden, valueWidth),
    weight("ssm_conv1d.weight", linear.convKernel, 2 * keyWidth + valueWidth),
    { name: "ssm_dt.bias", shape: [linear.valueHeads], filling: { kind: "timestep" } },
    { name: "ssm_a", shape: [linear.valueHeads], filling: { kind: "decay" } },
    weight("ssm_beta.weight", hidden, linear.valueHeads),
    weight("ssm_alpha.weight", hidden, linear.valueHeads),
    norm("ssm_norm.weight", linear.stateSize),
    weight("ssm_out.weight", valueWidth, hidden),
    ...rest,
  ];
}

function attention(shape: LlamaShape | Gemma2Shape): TensorBlueprint[] {
  const { embeddingLength: hidden, headLength } = shape;
  return [
    weight("attn_q.weight", hidden, shape.headCount * headLength),
    weight("attn_k.weight", hidden, shape.headCountKv * headLength),
    weight("attn_v.weight", hidden, shape.headCountKv * headLength),
    weight("attn_output.weight", shape.headCount * headLength, hidden),
  ];
}

function gatedFeedForward(shape: SyntheticShape): TensorBlueprint[] {
  const { embeddingLength: hidden, feedForwardLength: inner } = shape;
  return [
    weight("ffn_gate.weight", hidden, inner),
    weight("ffn_up.weight", hidden, inner),
    weight("ffn_down.weight", inner, hidden),
  ];
}

function globalTables(shape: SyntheticShape): TensorBlueprint[] {
  if (shape.architecture === "llama" && shape.ropeScaling !== null) {
    return [table("rope_freqs.weight", llama3RopeFactors(shape, shape.ropeScaling))];
  }
  if (shape.architecture === "phi3") {
    const half = shape.headLength / 2;
    const long = Array.from({ length: half }, (_, i) => 1 + (63 * i) / (half - 1));
    const short = Array.from({ length: half }, (_, i) => 1 + (2 * i) / (half - 1));
    return [table("rope_factors_long.weight", long), table("rope_factors_short.weight", short)];
  }
  return [];
}

/**
 * Llama 3 RoPE divisors per frequency (convert_hf_to_gguf.py of llama.cpp, "llama3" rope scaling).
 * The frequencies are powers of one root taken by repeated square roots, because Math.pow may differ between platforms.
 */
function llama3RopeFactors(
  shape: LlamaShape,
  scaling: NonNullable<LlamaShape["ropeScaling"]>,
): number[] {
  const half = shape.headLength / 2;
  let root = shape.ropeFreqBase;
  for (let width = half; width > 1; width /= 2) root = Math.sqrt(root);
  const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
  const factors: number[] = [];
  let inverseFrequency = 1;
  for (let i = 0; i < half; i++) {
    const wavelength = 2 * 3.141592653589793 * inverseFrequency;
    if (wavelength < originalContextLength / highFreqFactor) factors.push(1);
    else if (wavelength > originalContextLength / lowFreqFactor) factors.push(factor);
    else {
      const smooth =
        (originalContextLength / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
      factors.push(1 / ((1 - smooth) / factor + smooth));
    }
    inverseFrequency *= root;
  }
  return factors;
}

function weight(name: string, fanIn: number, rows: number): TensorBlueprint {
  return {
    name,
    shape: [fanIn, rows],
    filling: { kind: "weight", deviation: 1 / Math.sqrt(fanIn) },
  };
}

function norm(name: string, length: number): TensorBlueprint {
  return { name, shape: [length], filling: { kind: "norm" } };
}

function table(name: string, values: readonly number[]): TensorBlueprint {
  return { name, shape: [values.length], filling: { kind: "table", values } };
}
