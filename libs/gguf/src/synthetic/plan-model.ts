import type { EncodableType } from "../blocks/block-codec.js";
import { tensorBytesOf } from "../tensor-types.js";
import { aligned, encodeHeader } from "./encode-header.js";
import { chooseTensorTypes, SYNTHETIC_QUANTS, type SyntheticQuant } from "./quant-mix.js";
import { shapeMetadata } from "./shape-metadata.js";
import type { SyntheticShape } from "./shape-types.js";
import { shapeOf } from "./shapes.js";
import { tensorLayout, type TensorBlueprint } from "./tensor-layout.js";

/** What to write. `shape` is an id of SYNTHETIC_SHAPES; `seed` an integer in [0, 2^53). */
export interface SyntheticSpec {
  readonly shape: string;
  readonly quant: SyntheticQuant;
  readonly seed: number;
}

/** What a specification comes to, before a byte is written. All sizes are exact. */
export interface SyntheticPlan {
  readonly shape: string;
  readonly architecture: string;
  readonly quant: SyntheticQuant;
  readonly seed: number;
  readonly sizeBytes: number;
  readonly headerBytes: number;
  readonly tensorCount: number;
  /** Bytes of tensor data without padding. */
  readonly tensorBytes: number;
  readonly parameterCount: number;
  readonly bitsPerWeight: number;
}

/** A tensor with its type and place in the data section. */
export interface PlannedTensor extends TensorBlueprint {
  readonly type: EncodableType;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Everything the writer needs. */
export interface SyntheticLayout {
  readonly shape: SyntheticShape;
  readonly plan: SyntheticPlan;
  readonly header: Uint8Array;
  readonly tensors: readonly PlannedTensor[];
}

/**
 * The exact size, parameter count and bits per weight of a synthetic model, without writing it.
 * @throws RangeError for an unknown shape or quantisation or a seed that is no integer in [0, 2^53).
 */
export function planSyntheticModel(spec: SyntheticSpec): SyntheticPlan {
  return layOutModel(spec).plan;
}

/** As planSyntheticModel, with the header's bytes and every tensor's place. */
export function layOutModel(spec: SyntheticSpec): SyntheticLayout {
  const shape = shapeOf(spec.shape);
  if (!Object.hasOwn(SYNTHETIC_QUANTS, spec.quant)) {
    const known = Object.keys(SYNTHETIC_QUANTS).join(", ");
    throw new RangeError(`cannot write quantisation "${spec.quant}"; known: ${known}`);
  }
  if (!Number.isSafeInteger(spec.seed) || spec.seed < 0) {
    throw new RangeError(`the seed must be an integer from 0 to 2^53 - 1, not ${spec.seed}`);
  }
  const blueprints = tensorLayout(shape);
  const types = chooseTensorTypes(spec.quant, blueprints);
  let dataBytes = 0;
  let tensorBytes = 0;
  let parameterCount = 0;
  const tensors = blueprints.map((blueprint, index) => {
    const elements = blueprint.shape.reduce((product, size) => product * size, 1);
    const type = types[index]!;
    const sizeBytes = tensorBytesOf(type, elements);
    const placed = { ...blueprint, type, offset: dataBytes, sizeBytes };
    dataBytes += aligned(sizeBytes);
    tensorBytes += sizeBytes;
    parameterCount += elements;
    return placed;
  });
  const header = encodeHeader(shapeMetadata(shape, spec.quant, spec.seed), tensors);
  const plan = {
    shape: shape.id,
    architecture: shape.architecture,
    quant: spec.quant,
    seed: spec.seed,
    sizeBytes: header.length + dataBytes,
    headerBytes: header.length,
    tensorCount: tensors.length,
    tensorBytes,
    parameterCount,
    bitsPerWeight: (tensorBytes * 8) / parameterCount,
  };
  return { shape, plan, header, tensors };
}
