import { open } from "node:fs/promises";
import { GgufError } from "./gguf-error.js";

/** Random access to the bytes of a GGUF file: a local file, or for example HTTP range requests. */
export interface ByteSource {
  /** The whole file's size, null when it is not known. */
  readonly sizeBytes: number | null;
  /** The bytes from `offset`, at most `length` of them; fewer (or none) only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * Runs `use` over a local file and closes it afterwards.
 * @throws GgufError `unreadable` when the file cannot be opened or read.
 */
export async function withFileSource<T>(
  path: string,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const handle = await open(path, "r").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const { size } = await handle.stat();
    return await use({
      sizeBytes: size,
      async read(offset, length) {
        const bytes = new Uint8Array(length);
        try {
          const { bytesRead } = await handle.read(bytes, 0, length, offset);
          return bytes.subarray(0, bytesRead);
        } catch (error) {
          throw unreadable(path, error);
        }
      },
    });
  } finally {
    await handle.close();
  }
}

function unreadable(path: string, error: unknown): GgufError {
  return new GgufError("unreadable", `cannot read ${path}: ${(error as Error).message}`, null, {
    cause: error,
  });
}
