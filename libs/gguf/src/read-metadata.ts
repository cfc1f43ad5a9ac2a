import type { HeaderCursor } from "./header-cursor.js";

/** The element kinds of GGUF metadata, index = type number (docs/gguf.md of ggml). */
const VALUE_TYPES = [
  { name: "u8", bytes: 1 },
  { name: "i8", bytes: 1 },
  { name: "u16", bytes: 2 },
  { name: "i16", bytes: 2 },
  { name: "u32", bytes: 4 },
  { name: "i32", bytes: 4 },
  { name: "f32", bytes: 4 },
  { name: "bool", bytes: 1 },
  { name: "string", bytes: 8 },
  { name: "array", bytes: 12 },
  { name: "u64", bytes: 8 },
  { name: "i64", bytes: 8 },
  { name: "f64", bytes: 8 },
] as const;

type ValueType = (typeof VALUE_TYPES)[number];
export type MetadataElementType = ValueType["name"];

/** An array: how long it is, and its first values. `complete` says whether `values` is all of it. */
export interface MetadataArray {
  readonly kind: "array";
  readonly elementType: MetadataElementType;
  readonly length: number;
  readonly values: readonly MetadataValue[];
  readonly complete: boolean;
}

/** A text too long to keep: its size in bytes and its beginning. */
export interface MetadataLongText {
  readonly kind: "long_text";
  readonly byteLength: number;
  readonly head: string;
}

/** A metadata value. 64-bit integers that a number cannot hold exactly are decimal strings. */
export type MetadataValue = string | number | boolean | MetadataArray | MetadataLongText;

const PAIR_LIMIT = 65_536;
const KEY_LIMIT_BYTES = 65_535;
const DEPTH_LIMIT = 4;
/** Elements that must be walked one by one. No vocabulary comes near it. */
const WALKED_LIMIT = 1 << 24;
const SKIPPED_LIMIT = 2 ** 32;
const KEPT_VALUES = 256;
const KEPT_TEXT_BYTES = 1 << 18;
const HEAD_BYTES = 256;
/** All kept values of one header together; past it values are only counted. */
const KEPT_BUDGET_BYTES = 1 << 23;
/** Key length, one byte of key, value type, one byte of value. */
const SMALLEST_PAIR_BYTES = 14;

/**
 * Reads `count` key-value pairs. Memory is bounded whatever the file says: long arrays are counted, not kept.
 * @throws GgufError with the byte at which the trouble is.
 */
export async function readMetadata(
  cursor: HeaderCursor,
  count: number,
): Promise<Map<string, MetadataValue>> {
  if (count > PAIR_LIMIT) {
    throw cursor.fail("absurd", `${count} metadata pairs; no model has more than ${PAIR_LIMIT}`);
  }
  if (count * SMALLEST_PAIR_BYTES > cursor.remaining) {
    throw cursor.truncated(`the metadata, which claims ${count} pairs`);
  }
  const metadata = new Map<string, MetadataValue>();
  const reader = new ValueReader(cursor);
  for (let index = 0; index < count; index++) {
    const keyAt = cursor.position;
    const length = await cursor.readLength(`the key of metadata pair ${index + 1}`);
    if (length === 0 || length > KEY_LIMIT_BYTES) {
      throw cursor.fail("absurd", `a metadata key of ${length} bytes`, keyAt);
    }
    const key = await cursor.readText(length, "a metadata key");
    if (metadata.has(key)) throw cursor.fail("bad_metadata", `key "${key}" occurs twice`, keyAt);
    metadata.set(key, await reader.readTyped(key, 0));
  }
  return metadata;
}

class ValueReader {
  #budget = KEPT_BUDGET_BYTES;

  constructor(private readonly cursor: HeaderCursor) {}

  /** A type number followed by a value of that type. */
  async readTyped(key: string, depth: number): Promise<MetadataValue> {
    const type = await this.#readType(key);
    return this.#readValue(type, key, depth);
  }

  async #readType(key: string): Promise<ValueType> {
    const { cursor } = this;
    await cursor.load(4, `the value type of "${key}"`);
    const at = cursor.position;
    const id = cursor.takeU32();
    const type = VALUE_TYPES[id];
    if (type === undefined) {
      throw cursor.fail("unknown_type", `"${key}" has value type ${id}`, at);
    }
    return type;
  }

  async #readValue(type: ValueType, key: string, depth: number): Promise<MetadataValue> {
    if (type.name === "string") return this.#readString(key);
    if (type.name === "array") return this.#readArray(key, depth + 1);
    await this.cursor.load(type.bytes, `the value of "${key}"`);
    return decodeScalar(type.name, this.cursor.take(type.bytes));
  }

  async #readString(key: string): Promise<string | MetadataLongText> {
    const { cursor } = this;
    const byteLength = await cursor.readLength(`the value of "${key}"`);
    if (byteLength <= KEPT_TEXT_BYTES && byteLength <= this.#budget) {
      this.#budget -= byteLength;
      return cursor.readText(byteLength, `the value of "${key}"`);
    }
    const head = await cursor.readText(Math.min(byteLength, HEAD_BYTES), `the value of "${key}"`);
    cursor.skip(byteLength - Math.min(byteLength, HEAD_BYTES), `the value of "${key}"`);
    return { kind: "long_text", byteLength, head };
  }

  async #readArray(key: string, depth: number): Promise<MetadataArray> {
    const { cursor } = this;
    if (depth > DEPTH_LIMIT) throw cursor.fail("absurd", `"${key}" nests arrays too deeply`);
    const type = await this.#readType(key);
    await cursor.load(8, `the array "${key}"`);
    const at = cursor.position;
    const length = cursor.takeU64();
    const isWalked = type.name === "string" || type.name === "array";
    if (length > (isWalked ? WALKED_LIMIT : SKIPPED_LIMIT))
      throw cursor.fail("absurd", `"${key}" claims ${length} elements`, at);
    if (length * type.bytes > cursor.remaining) {
      throw cursor.truncated(`the array "${key}", which claims ${length} elements`);
    }
    const values: MetadataValue[] = [];
    let index = 0;
    for (; index < length && index < KEPT_VALUES && this.#budget > 0; index++) {
      this.#budget -= 32;
      values.push(await this.#readValue(type, key, depth));
    }
    await this.#skipElements(type, length - index, key, depth);
    return { kind: "array", elementType: type.name, length, values, complete: index === length };
  }

  async #skipElements(type: ValueType, count: number, key: string, depth: number): Promise<void> {
    const { cursor } = this;
    const what = `the array "${key}"`;
    if (type.name === "array") {
      // Inner values past the budget are not kept either, see #readArray.
      for (let i = 0; i < count; i++) await this.#readArray(key, depth + 1);
    } else if (type.name === "string") {
      for (let i = 0; i < count; i++) {
        if (!cursor.has(8)) await cursor.load(8, what);
        const length = cursor.takeU64();
        if (length > cursor.remaining) throw cursor.truncated(what);
        cursor.skip(length, what);
      }
    } else {
      cursor.skip(count * type.bytes, what);
    }
  }
}

function decodeScalar(type: MetadataElementType, bytes: DataView): number | boolean | string {
  switch (type) {
    case "u8":
      return bytes.getUint8(0);
    case "i8":
      return bytes.getInt8(0);
    case "u16":
      return bytes.getUint16(0, true);
    case "i16":
      return bytes.getInt16(0, true);
    case "u32":
      return bytes.getUint32(0, true);
    case "i32":
      return bytes.getInt32(0, true);
    case "f32":
      return bytes.getFloat32(0, true);
    case "f64":
      return bytes.getFloat64(0, true);
    case "bool":
      return bytes.getUint8(0) !== 0;
    case "u64":
      return exact(bytes.getBigUint64(0, true));
    case "i64":
      return exact(bytes.getBigInt64(0, true));
    default:
      throw new TypeError(`${type} is not a scalar`);
  }
}

function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
