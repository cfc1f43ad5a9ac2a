import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { routes, ServerProblem, UnreachableError, type Client } from "@benchfarm/contracts";

/** A file that could not be fetched; the message says from where and why. */
export class TransferError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransferError";
  }
}

/** The SHA-256 of a file, hex. */
export async function hashFile(
  path: string,
  onProgress: (done: number, total: number) => void,
): Promise<string> {
  const { size } = await stat(path);
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    done += (chunk as Buffer).length;
    onProgress(done, size);
  }
  return hash.digest("hex");
}

/** Uploads a file under its digest unless the farm has it. */
export async function uploadModel(
  client: Client,
  path: string,
  sha256: string,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  if (await isStored(client, sha256)) return;
  const { size } = await stat(path);
  let done = 0;
  const counted = createReadStream(path, { highWaterMark: 1 << 20 }).pipe(
    new Transform({
      transform(chunk: Buffer, _encoding, pass) {
        done += chunk.length;
        onProgress(done, size);
        pass(null, chunk);
      },
    }),
  );
  await client.open(routes.uploadArtifact, {
    params: { sha256 },
    body: Readable.toWeb(counted) as unknown as NonNullable<RequestInit["body"]>,
  });
}

async function isStored(client: Client, sha256: string): Promise<boolean> {
  try {
    await client.open(routes.headArtifact, { params: { sha256 } });
    return true;
  } catch (error) {
    // The answer to a HEAD has no body, so a plain "not found" arrives without its problem.
    if (error instanceof ServerProblem && error.code === "not_found") return false;
    if (error instanceof UnreachableError && error.message.includes(" answered 404 ")) return false;
    throw error;
  }
}

/** Downloads `url` into `folder` and returns the file's path. Throws TransferError; nothing is left behind then. */
export async function downloadModel(
  url: string,
  folder: string,
  onProgress: (done: number, total: number | null) => void,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 16)}.gguf`);
  try {
    const response = await fetch(url);
    if (!response.ok || response.body === null) {
      throw new TransferError(`${url} answered ${response.status} ${response.statusText}`);
    }
    const length = Number(response.headers.get("content-length"));
    const total = Number.isFinite(length) && length > 0 ? length : null;
    let done = 0;
    await pipeline(
      Readable.fromWeb(response.body as unknown as ReadableStream),
      new Transform({
        transform(chunk: Buffer, _encoding, pass) {
          done += chunk.length;
          onProgress(done, total);
          pass(null, chunk);
        },
      }),
      createWriteStream(path),
    );
    return path;
  } catch (error) {
    await rm(path, { force: true });
    if (error instanceof TransferError) throw error;
    throw new TransferError(`${url} could not be downloaded: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
