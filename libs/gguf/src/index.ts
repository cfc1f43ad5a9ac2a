export { decodeBlocks, encodeBlocks, type EncodableType } from "./blocks/block-codec.js";
export type { ArchitectureFacts, SyntheticFacts, TokenizerFacts } from "./architecture-facts.js";
export type { ByteSource } from "./byte-source.js";
export { GGUF_ERROR_CODES, GgufError, type GgufErrorCode } from "./gguf-error.js";
export { readGgufHeader, type GgufHeader } from "./read-header.js";
export type {
  MetadataArray,
  MetadataElementType,
  MetadataLongText,
  MetadataValue,
} from "./read-metadata.js";
export type { GgufTensor } from "./read-tensors.js";
export {
  planSyntheticModel,
  type SyntheticPlan,
  type SyntheticSpec,
} from "./synthetic/plan-model.js";
export { SYNTHETIC_QUANTS, type SyntheticQuant } from "./synthetic/quant-mix.js";
export { makeFromRecipe, recipeOf, type SyntheticRecipe } from "./synthetic/recipe.js";
export { GENERATOR_VERSION } from "./synthetic/shape-metadata.js";
export type { SyntheticShape } from "./synthetic/shape-types.js";
export { SYNTHETIC_SHAPES, shapeOf } from "./synthetic/shapes.js";
export {
  SyntheticWriteError,
  writeSyntheticModel,
  type WriteProgress,
  type WriteSyntheticOptions,
  type WrittenModel,
} from "./synthetic/write-model.js";
export { TENSOR_TYPES, type TensorType, type TensorTypeTraits } from "./tensor-types.js";
export {
  decodeBytesPerToken,
  kvBytesPerToken,
  recurrentStateBytes,
  type CacheElementBytes,
} from "./weigh-decode.js";
