import { TENSOR_TYPES, type TensorType } from "../tensor-types.js";

// Bound once: these run for every token, and looking up a global may be slow (in a vm context it is).
const { floor } = Math;

/** One metadata pair: key, value type, value. Arrays are written with 64-bit counts as GGUF 3 wants them. */
export type MetadataEntry =
  | readonly [key: string, type: "u32" | "u64" | "f32", value: number]
  | readonly [key: string, type: "bool", value: boolean]
  | readonly [key: string, type: "string", value: string]
  | readonly [key: string, type: "i32[]" | "f32[]", value: readonly number[]]
  | readonly [key: string, type: "string[]", value: readonly string[]];

/** Where a tensor's bytes lie, relative to the start of the data section. */
export interface PlacedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: TensorType;
  readonly offset: number;
}

/** Metadata value type numbers of the GGUF specification (docs/gguf.md of ggml). */
const VALUE_TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9, u64: 10 } as const;

export const GGUF_ALIGNMENT = 32;

/** The next multiple of the alignment that is not below `size`. */
export function aligned(size: number): number {
  return Math.ceil(size / GGUF_ALIGNMENT) * GGUF_ALIGNMENT;
}

/**
 * The bytes of a GGUF 3 file (little-endian) up to its data section, padded to the alignment.
 * The metadata must not hold `general.alignment`: the default of 32 is used.
 */
export function encodeHeader(
  metadata: readonly MetadataEntry[],
  tensors: readonly PlacedTensor[],
): Uint8Array {
  const out = new GrowingBytes();
  out.bytes(new Uint8Array([0x47, 0x47, 0x55, 0x46]));
  out.u32(3);
  out.u64(tensors.length);
  out.u64(metadata.length);
  for (const entry of metadata) writeEntry(out, entry);
  for (const tensor of tensors) {
    out.string(tensor.name);
    out.u32(tensor.shape.length);
    for (const size of tensor.shape) out.u64(size);
    out.u32(TENSOR_TYPES[tensor.type].id);
    out.u64(tensor.offset);
  }
  out.bytes(new Uint8Array(aligned(out.length) - out.length));
  return out.finish();
}

function writeEntry(out: GrowingBytes, entry: MetadataEntry): void {
  out.string(entry[0]);
  switch (entry[1]) {
    case "u32":
      out.u32(VALUE_TYPE.u32);
      return out.u32(entry[2]);
    case "u64":
      out.u32(VALUE_TYPE.u64);
      return out.u64(entry[2]);
    case "f32":
      out.u32(VALUE_TYPE.f32);
      return out.f32(entry[2]);
    case "bool":
      out.u32(VALUE_TYPE.bool);
      return out.bytes(new Uint8Array([entry[2] ? 1 : 0]));
    case "string":
      out.u32(VALUE_TYPE.string);
      return out.string(entry[2]);
    case "i32[]":
      out.arrayHead(VALUE_TYPE.i32, entry[2].length);
      for (const value of entry[2]) out.i32(value);
      return;
    case "f32[]":
      out.arrayHead(VALUE_TYPE.f32, entry[2].length);
      for (const value of entry[2]) out.f32(value);
      return;
    case "string[]":
      out.arrayHead(VALUE_TYPE.string, entry[2].length);
      for (const value of entry[2]) out.string(value);
      return;
  }
}

/** Little-endian writer over a buffer that doubles as needed. */
class GrowingBytes {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  readonly #text = new TextEncoder();
  length = 0;

  u32(value: number): void {
    this.#room(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  i32(value: number): void {
    this.u32(value >>> 0);
  }

  u64(value: number): void {
    this.u32(value >>> 0);
    this.u32(floor(value / 4294967296));
  }

  f32(value: number): void {
    this.#room(4);
    this.#view.setFloat32(this.length, value, true);
    this.length += 4;
  }

  string(value: string): void {
    this.#room(8 + value.length * 3);
    const { written } = this.#text.encodeInto(value, this.#bytes.subarray(this.length + 8));
    this.u64(written);
    this.length += written;
  }

  arrayHead(elementType: number, count: number): void {
    this.u32(VALUE_TYPE.array);
    this.u32(elementType);
    this.u64(count);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.length);
    this.length += value.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  #room(extra: number): void {
    if (this.length + extra <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + extra));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
