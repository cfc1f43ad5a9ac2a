import { createHash, randomUUID, type Hash } from "node:crypto";
import { open, rename, rm, statfs, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { readGgufHeader, type GgufHeader } from "../read-header.js";
import { aligned } from "./encode-header.js";
import { TensorFiller } from "./fill-tensor.js";
import { layOutModel, type SyntheticLayout, type SyntheticSpec } from "./plan-model.js";

const BATCH_BYTES = 4 << 20;

/** Called after every few megabytes and once at the end. */
export type WriteProgress = (progress: { writtenBytes: number; totalBytes: number }) => void;

export interface WriteSyntheticOptions extends SyntheticSpec {
  /** Where the finished file appears. Its folder must exist. An existing file is replaced. */
  readonly path: string;
  readonly onProgress?: WriteProgress;
  readonly signal?: AbortSignal;
}

export interface WrittenModel {
  readonly path: string;
  /** Lower-case hexadecimal, of the whole file. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The header as read back from the finished file. */
  readonly header: GgufHeader;
}

/** A synthetic model could not be written. Nothing is left behind. */
export class SyntheticWriteError extends Error {
  override readonly name = "SyntheticWriteError";

  constructor(
    readonly code: "disk_full" | "write_failed",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Writes a synthetic model: random weights in the exact shape, tensor types and size of a named architecture. The bytes
 * depend on (shape, quant, seed, generator version) alone, on every platform. The process stays under about 200 MB whatever
 * the file's size, most of it the vocabulary's texts. The file appears whole under its name or not at all; a killed process
 * may leave `<path>.<uuid>.partial`.
 *
 * @throws RangeError for an unknown shape, quantisation or seed.
 * @throws SyntheticWriteError `disk_full` before writing when the free space is short, or while writing; `write_failed` for
 * any other I/O error. An aborted signal rejects with its reason.
 */
export async function writeSyntheticModel(options: WriteSyntheticOptions): Promise<WrittenModel> {
  const layout = layOutModel(options);
  const { sizeBytes } = layout.plan;
  await requireSpace(options.path, sizeBytes);
  const partial = `${options.path}.${randomUUID()}.partial`;
  let sha256: string;
  try {
    sha256 = await writeFileAt(partial, layout, options);
    await rename(partial, options.path);
  } catch (error) {
    await rm(partial, { force: true });
    options.signal?.throwIfAborted();
    throw asWriteError(error, options.path, sizeBytes);
  }
  const header = await readGgufHeader(options.path);
  return { path: options.path, sha256, sizeBytes, header };
}

async function writeFileAt(
  path: string,
  layout: SyntheticLayout,
  options: WriteSyntheticOptions,
): Promise<string> {
  const totalBytes = layout.plan.sizeBytes;
  const hash = createHash("sha256");
  const handle = await open(path, "wx");
  try {
    let writtenBytes = 0;
    for (const batch of batches(layout, options.seed)) {
      options.signal?.throwIfAborted();
      await writeAndHash(handle, hash, batch);
      for (const piece of batch) writtenBytes += piece.length;
      options.onProgress?.({ writtenBytes, totalBytes });
    }
    if (writtenBytes !== totalBytes) {
      throw new Error(`wrote ${writtenBytes} bytes where ${totalBytes} were planned`);
    }
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return hash.digest("hex");
}

/** The file's bytes in order, grouped so that one write moves a few megabytes. */
function* batches(layout: SyntheticLayout, seed: number): Generator<Uint8Array[]> {
  const filler = new TensorFiller(layout.shape, seed);
  let batch: Uint8Array[] = [layout.header];
  let batchBytes = layout.header.length;
  for (const tensor of layout.tensors) {
    const padding = aligned(tensor.sizeBytes) - tensor.sizeBytes;
    for (const piece of filler.pieces(tensor)) {
      batch.push(piece);
      batchBytes += piece.length;
      if (batchBytes < BATCH_BYTES) continue;
      yield batch;
      batch = [];
      batchBytes = 0;
    }
    if (padding > 0) batch.push(new Uint8Array(padding));
  }
  if (batch.length > 0) yield batch;
}

/** Hashes on this thread while the write runs on another. */
async function writeAndHash(
  handle: FileHandle,
  hash: Hash,
  pieces: readonly Uint8Array[],
): Promise<void> {
  const writing = writeAll(handle, pieces);
  for (const piece of pieces) hash.update(piece);
  await writing;
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let rest = [...pieces];
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest);
    // A write may stop short; what it took is dropped from the front and the rest goes again.
    while (rest.length > 0 && bytesWritten >= rest[0]!.length) {
      bytesWritten -= rest[0]!.length;
      rest = rest.slice(1);
    }
    if (bytesWritten > 0) rest[0] = rest[0]!.subarray(bytesWritten);
  }
}

async function requireSpace(path: string, sizeBytes: number): Promise<void> {
  const folder = dirname(path);
  let freeBytes: number;
  try {
    const { bavail, bsize } = await statfs(folder);
    freeBytes = bavail * bsize;
  } catch (error) {
    throw new SyntheticWriteError(
      "write_failed",
      `cannot write into ${folder}: ${(error as Error).message}; create the folder first`,
      { cause: error },
    );
  }
  if (freeBytes < sizeBytes) throw diskFull(path, sizeBytes, freeBytes);
}

function diskFull(path: string, sizeBytes: number, freeBytes: number | null): SyntheticWriteError {
  const have = freeBytes === null ? "" : ` and has ${freeBytes}`;
  return new SyntheticWriteError(
    "disk_full",
    `the disk of ${path} needs ${sizeBytes} free bytes for this model${have}; free some space or choose another folder`,
  );
}

function asWriteError(error: unknown, path: string, sizeBytes: number): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOSPC" || code === "EDQUOT") return diskFull(path, sizeBytes, null);
  return new SyntheticWriteError(
    "write_failed",
    `could not write ${path}: ${(error as Error).message}`,
    { cause: error },
  );
}
