import type { ByteSource } from "./byte-source.js";
import { GgufError } from "./gguf-error.js";

const CHUNK_BYTES = 1 << 20;
/** No header comes near this; vocabularies of a million tokens take tens of megabytes. */
const HEADER_LIMIT_BYTES = 1 << 28;
const STRING_LIMIT_BYTES = 1 << 26;

/**
 * Reads little-endian values in sequence through one buffer of fixed size. Nothing is allocated by a number found in the
 * file: lengths are checked against limits and against the source first, and long runs are skipped, not loaded.
 */
export class HeaderCursor {
  #buffer: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#buffer.buffer);
  #bufferStart = 0;
  #position = 0;
  readonly #text = new TextDecoder();
  readonly #end: number;

  constructor(private readonly source: ByteSource) {
    this.#end = source.sizeBytes ?? Infinity;
  }

  /** Offset in the file of the next value. */
  get position(): number {
    return this.#position;
  }

  /** Bytes between here and the end of the source; infinite when its size is not known. */
  get remaining(): number {
    return this.#end - this.#position;
  }

  /** True when `count` bytes can be taken without waiting. Hot loops ask this before they await `load`. */
  has(count: number): boolean {
    return this.#position + count <= this.#bufferStart + this.#buffer.length;
  }

  /** Makes `count` bytes (at most a chunk) available, or throws `truncated`. */
  async load(count: number, what: string): Promise<void> {
    if (this.has(count)) return;
    if (this.#position + count > HEADER_LIMIT_BYTES) {
      throw this.fail("absurd", `the header is longer than ${HEADER_LIMIT_BYTES} bytes`);
    }
    const parts: Uint8Array[] = [];
    let have = 0;
    while (have < count) {
      const part = await this.source.read(this.#position + have, CHUNK_BYTES);
      if (part.length === 0) throw this.truncated(what);
      parts.push(part);
      have += part.length;
    }
    this.#buffer = joined(parts, have);
    this.#view = new DataView(
      this.#buffer.buffer,
      this.#buffer.byteOffset,
      this.#buffer.byteLength,
    );
    this.#bufferStart = this.#position;
  }

  /** The next bytes as a view, without copying; valid until the next `load`. They must be available. */
  take(count: number): DataView {
    const at = this.#position - this.#bufferStart;
    this.#position += count;
    return new DataView(this.#view.buffer, this.#view.byteOffset + at, count);
  }

  /** A 32-bit unsigned integer that must be available. */
  takeU32(): number {
    const value = this.#view.getUint32(this.#position - this.#bufferStart, true);
    this.#position += 4;
    return value;
  }

  /** A 64-bit unsigned integer that must be available, as a number: exact below 2^53, rounded above. */
  takeU64(): number {
    const low = this.takeU32();
    return this.takeU32() * 4294967296 + low;
  }

  /** Moves on over bytes that must exist when the source's size is known. */
  skip(count: number, what: string): void {
    if (count > this.remaining) throw this.truncated(what);
    this.#position += count;
  }

  /** Reads a string's length and checks it. The string's bytes come next. */
  async readLength(what: string): Promise<number> {
    if (!this.has(8)) await this.load(8, what);
    const length = this.takeU64();
    if (length > STRING_LIMIT_BYTES) {
      throw this.fail("absurd", `${what} claims a length of ${length} bytes`, this.#position - 8);
    }
    if (length > this.remaining) throw this.truncated(`${what} of ${length} bytes`);
    return length;
  }

  /** Decodes `length` (at most a chunk) bytes of UTF-8; broken sequences become U+FFFD. */
  async readText(length: number, what: string): Promise<string> {
    if (!this.has(length)) await this.load(length, what);
    return this.#text.decode(this.take(length));
  }

  fail(
    code: "absurd" | "unknown_type" | "bad_metadata" | "bad_layout",
    message: string,
    offset = this.#position,
  ): GgufError {
    return new GgufError(code, message, offset);
  }

  truncated(what: string): GgufError {
    const size = this.source.sizeBytes;
    const end = size === null ? "the file ends" : `the file ends after ${size} bytes,`;
    return new GgufError("truncated", `${end} inside ${what}`, this.#position);
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
