import { withFileSource, type ByteSource } from "./byte-source.js";
import { GgufError } from "./gguf-error.js";
import { HeaderCursor } from "./header-cursor.js";
import { architectureFacts, type ArchitectureFacts } from "./architecture-facts.js";
import { readMetadata, type MetadataValue } from "./read-metadata.js";
import { checkLayout, readTensors, type GgufTensor } from "./read-tensors.js";

/** Everything a GGUF file says about itself before its weights. What the file does not say is null. */
export interface GgufHeader extends ArchitectureFacts {
  readonly version: number;
  /** Tensors start at multiples of this many bytes. */
  readonly alignment: number;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: readonly GgufTensor[];
  /** Elements of all tensors, as llama.cpp's llama_model_n_params counts them. */
  readonly parameterCount: number;
  /** Bytes of all tensors, without padding. */
  readonly tensorBytes: number;
  /** tensorBytes * 8 / parameterCount; null for a file without tensors. */
  readonly bitsPerWeight: number | null;
  /** Where the first tensor's bytes start. */
  readonly dataOffset: number;
  readonly fileSizeBytes: number | null;
}

const DEFAULT_ALIGNMENT = 32;
const ALIGNMENT_LIMIT = 1 << 20;

/**
 * Reads and checks the header of a GGUF 2 or 3 file, from a path or any byte source, in chunks of 1 MiB.
 * Format: docs/gguf.md of ggml. The weights themselves are not read.
 * @throws GgufError for everything that is not a sound GGUF file; see GGUF_ERROR_CODES.
 */
export async function readGgufHeader(source: string | ByteSource): Promise<GgufHeader> {
  return typeof source === "string" ? withFileSource(source, readFrom) : readFrom(source);
}

async function readFrom(source: ByteSource): Promise<GgufHeader> {
  const cursor = new HeaderCursor(source);
  const version = await readVersion(cursor);
  await cursor.load(16, "the tensor and metadata counts");
  const tensorCount = cursor.takeU64();
  const pairCount = cursor.takeU64();
  const metadata = await readMetadata(cursor, pairCount);
  const alignment = readAlignment(metadata);
  const tensors = await readTensors(cursor, tensorCount);
  const dataOffset = Math.ceil(cursor.position / alignment) * alignment;
  checkLayout(cursor, tensors, alignment, dataOffset, source.sizeBytes);
  let parameterCount = 0;
  let tensorBytes = 0;
  for (const tensor of tensors) {
    parameterCount += tensor.elementCount;
    tensorBytes += tensor.sizeBytes;
  }
  return {
    version,
    ...architectureFacts(metadata),
    alignment,
    metadata,
    tensors,
    parameterCount,
    tensorBytes,
    bitsPerWeight: parameterCount === 0 ? null : (tensorBytes * 8) / parameterCount,
    dataOffset,
    fileSizeBytes: source.sizeBytes,
  };
}

async function readVersion(cursor: HeaderCursor): Promise<number> {
  await cursor.load(4, "the magic").catch((error: unknown) => {
    if (error instanceof GgufError && error.code === "truncated") {
      throw new GgufError("not_gguf", "the file is shorter than the four bytes GGUF", 0);
    }
    throw error;
  });
  const magic = cursor.take(4).getUint32(0, false);
  if (magic !== 0x47475546) {
    const found = magic.toString(16).padStart(8, "0");
    throw new GgufError("not_gguf", `the file starts with ${found}, not with 47475546 (GGUF)`, 0);
  }
  await cursor.load(4, "the version");
  const version = cursor.takeU32();
  // A small version in the other byte order has its low half empty.
  if (version !== 0 && (version & 0xffff) === 0) {
    throw new GgufError(
      "unsupported_byte_order",
      "the file is big-endian; convert it to little-endian (gguf_convert_endian)",
      4,
    );
  }
  if (version !== 2 && version !== 3) {
    throw new GgufError(
      "unsupported_version",
      `GGUF version ${version}; versions 2 and 3 are read. Convert the model again with a current llama.cpp`,
      4,
    );
  }
  return version;
}

function readAlignment(metadata: ReadonlyMap<string, MetadataValue>): number {
  const value = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo = typeof value === "number" && value > 0 && (value & (value - 1)) === 0;
  if (!isPowerOfTwo || value > ALIGNMENT_LIMIT) {
    throw new GgufError(
      "bad_metadata",
      `general.alignment is ${JSON.stringify(value)}, not a power of two up to ${ALIGNMENT_LIMIT}`,
    );
  }
  return value;
}
