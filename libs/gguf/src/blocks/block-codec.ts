import { TENSOR_TYPES, tensorBytesOf } from "../tensor-types.js";
import {
  decodeQ4_K,
  decodeQ5_K,
  decodeQ6_K,
  encodeQ4_K,
  encodeQ5_K,
  encodeQ6_K,
} from "./k-blocks.js";
import {
  decodeF16,
  decodeF32,
  decodeQ4_0,
  decodeQ5_0,
  decodeQ8_0,
  encodeF16,
  encodeF32,
  encodeQ4_0,
  encodeQ5_0,
  encodeQ8_0,
} from "./simple-blocks.js";

type Encode = (source: Float32Array, target: DataView) => void;
type Decode = (source: DataView, target: Float32Array) => void;

const CODECS = {
  F32: [encodeF32, decodeF32],
  F16: [encodeF16, decodeF16],
  Q8_0: [encodeQ8_0, decodeQ8_0],
  Q4_0: [encodeQ4_0, decodeQ4_0],
  Q5_0: [encodeQ5_0, decodeQ5_0],
  Q4_K: [encodeQ4_K, decodeQ4_K],
  Q5_K: [encodeQ5_K, decodeQ5_K],
  Q6_K: [encodeQ6_K, decodeQ6_K],
} as const satisfies Record<string, readonly [Encode, Decode]>;

/** The tensor types that this package can write and read back. */
export type EncodableType = keyof typeof CODECS;

/**
 * Encodes numbers into `type`'s blocks, byte for byte the same on every platform.
 * @throws RangeError when the count is not a multiple of the type's block size.
 */
export function encodeBlocks(type: EncodableType, values: Float32Array): Uint8Array {
  const { blockSize } = TENSOR_TYPES[type];
  if (values.length % blockSize !== 0) {
    throw new RangeError(`${type} stores blocks of ${blockSize}; ${values.length} is no multiple`);
  }
  const bytes = new Uint8Array(tensorBytesOf(type, values.length));
  CODECS[type][0](values, new DataView(bytes.buffer));
  return bytes;
}

/**
 * Decodes whole blocks of `type` back to numbers.
 * @throws RangeError when the bytes are not whole blocks.
 */
export function decodeBlocks(type: EncodableType, bytes: Uint8Array): Float32Array {
  const { blockSize, blockBytes } = TENSOR_TYPES[type];
  if (bytes.length % blockBytes !== 0) {
    throw new RangeError(`${type} blocks take ${blockBytes} bytes; ${bytes.length} is no multiple`);
  }
  const values = new Float32Array((bytes.length / blockBytes) * blockSize);
  CODECS[type][1](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), values);
  return values;
}
