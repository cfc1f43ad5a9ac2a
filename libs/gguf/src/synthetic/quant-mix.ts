import type { EncodableType } from "../blocks/block-codec.js";
import { TENSOR_TYPES } from "../tensor-types.js";
import type { TensorBlueprint } from "./tensor-layout.js";

/** The quantisations that can be written, with llama.cpp's `general.file_type` number of each. */
export const SYNTHETIC_QUANTS = {
  F16: { fileType: 1, base: "F16" },
  Q8_0: { fileType: 7, base: "Q8_0" },
  Q4_0: { fileType: 2, base: "Q4_0" },
  Q4_K_M: { fileType: 15, base: "Q4_K" },
} as const satisfies Record<string, { fileType: number; base: EncodableType }>;

export type SyntheticQuant = keyof typeof SYNTHETIC_QUANTS;

/**
 * The type of every tensor, in the order given, by the rules of llama.cpp's quantiser without an importance matrix
 * (llama_tensor_get_type in src/llama-quant.cpp): one-dimensional tensors, norms and the short convolution stay F32; the
 * output projection (or the embedding where they are tied) gets Q6_K instead of a 4-bit type; Q4_K_M gives Q6_K to the
 * value (or fused query-key-value) projections and FFN-down of the blocks that "use more bits"; rows that no super-block
 * divides fall back to a 32-element type. All shapes were compared tensor by tensor with a dry run of llama.cpp v0.4.0's own
 * llama_model_quantize. Releases before 2026 gave fused projections Q5_K throughout (Phi 3.5: 0.15 % smaller).
 */
export function chooseTensorTypes(
  quant: SyntheticQuant,
  tensors: readonly TensorBlueprint[],
): EncodableType[] {
  const { base } = SYNTHETIC_QUANTS[quant];
  const tied = !tensors.some((tensor) => tensor.name === "output.weight");
  const valueCount = count(tensors, isValueLike);
  const downCount = count(tensors, isFeedForwardDown);
  let valueIndex = 0;
  let downIndex = 0;
  return tensors.map((tensor) => {
    if (!isQuantisable(tensor)) return "F32";
    if (base === "F16") return "F16";
    let type: EncodableType = base;
    if (tensor.name === "output.weight" || (tied && tensor.name === "token_embd.weight")) {
      type = tensor.shape[0]! % TENSOR_TYPES[base].blockSize !== 0 ? "Q8_0" : bigger(base);
    } else if (isValueLike(tensor)) {
      if (quant === "Q4_K_M" && usesMoreBits(valueIndex, valueCount)) type = "Q6_K";
      valueIndex++;
    } else if (isFeedForwardDown(tensor)) {
      if (quant === "Q4_K_M" && usesMoreBits(downIndex, downCount)) type = "Q6_K";
      downIndex++;
    }
    return fitting(type, tensor.shape[0]!);
  });
}

function bigger(base: EncodableType): EncodableType {
  return base === "Q8_0" ? "Q8_0" : "Q6_K";
}

/** The first and last eighth of the blocks, and every third in between. */
function usesMoreBits(index: number, total: number): boolean {
  const eighth = Math.floor(total / 8);
  return index < eighth || index >= Math.floor((7 * total) / 8) || (index - eighth) % 3 === 2;
}

function isQuantisable(tensor: TensorBlueprint): boolean {
  return (
    tensor.shape.length >= 2 &&
    tensor.name.endsWith("weight") &&
    !tensor.name.endsWith("_norm.weight") &&
    !tensor.name.includes("ssm_conv1d")
  );
}

function isValueLike(tensor: TensorBlueprint): boolean {
  return tensor.name.endsWith("attn_v.weight") || tensor.name.endsWith("attn_qkv.weight");
}

function isFeedForwardDown(tensor: TensorBlueprint): boolean {
  return tensor.name.includes("ffn_down");
}

function fitting(type: EncodableType, rowLength: number): EncodableType {
  if (rowLength % TENSOR_TYPES[type].blockSize === 0) return type;
  const smaller = type === "Q4_K" ? "Q5_0" : "Q8_0";
  return rowLength % TENSOR_TYPES[smaller].blockSize === 0 ? smaller : "F16";
}

function count<T>(items: readonly T[], test: (item: T) => boolean): number {
  return items.reduce((total, item) => total + (test(item) ? 1 : 0), 0);
}
