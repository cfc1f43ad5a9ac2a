/**
 * Why a GGUF source was refused. The list is closed: callers may switch over it.
 *
 * - `not_gguf`: the first four bytes are not the magic `GGUF`.
 * - `unsupported_version`: a GGUF version other than 2 or 3.
 * - `unsupported_byte_order`: a big-endian file.
 * - `truncated`: the source ends before what the header promises.
 * - `absurd`: a count, length or size that no real model has, or that cannot fit in the source.
 * - `unknown_type`: a metadata value type or tensor type this reader does not know.
 * - `bad_metadata`: metadata that contradicts itself (duplicate key, a wrong kind of value for a known key).
 * - `bad_layout`: tensors that are duplicated, misaligned or that overlap.
 * - `unreadable`: the source itself failed (missing file, I/O error).
 */
export const GGUF_ERROR_CODES = [
  "not_gguf",
  "unsupported_version",
  "unsupported_byte_order",
  "truncated",
  "absurd",
  "unknown_type",
  "bad_metadata",
  "bad_layout",
  "unreadable",
] as const;

export type GgufErrorCode = (typeof GGUF_ERROR_CODES)[number];

/** A GGUF source that cannot be trusted. `offset` is the byte at which the trouble was seen, null when there is none. */
export class GgufError extends Error {
  override readonly name = "GgufError";

  constructor(
    readonly code: GgufErrorCode,
    message: string,
    readonly offset: number | null = null,
    options?: ErrorOptions,
  ) {
    super(offset === null ? message : `${message} (at byte ${offset})`, options);
  }
}
