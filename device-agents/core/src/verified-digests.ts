import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { z } from "zod";

const Known = z.record(
  z.string(),
  z.object({
    sha256: z.string(),
    sizeBytes: z.number(),
    modifiedMs: z.number(),
    usedMs: z.number().default(0),
  }),
);

/** The sha256 of a file's bytes in lower-case hex, streamed. */
export async function digestFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const stream = createReadStream(path, {
    highWaterMark: 1 << 20,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const chunk of stream) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/**
 * Remembers which files were hashed, by path, size and modification time, so that a gigabyte is not read again before each run. A
 * file that changed in either is hashed anew. Losing the memory costs time only.
 */
export class VerifiedDigests {
  private known: z.infer<typeof Known> | undefined;

  constructor(private readonly indexPath: string) {}

  /** The file's digest, or null when there is no such file. */
  async digestOf(path: string, signal?: AbortSignal): Promise<string | null> {
    const before = await stat(path).catch(() => null);
    if (before === null || !before.isFile()) return null;
    const known = await this.load();
    const entry = known[path];
    if (entry?.sizeBytes === before.size && entry.modifiedMs === before.mtimeMs) {
      return entry.sha256;
    }
    const sha256 = await digestFile(path, signal);
    await this.remember(path, sha256);
    return sha256;
  }

  /** Notes the digest of a file as it is now, and when it was last used. */
  async remember(path: string, sha256: string, usedMs = 0): Promise<void> {
    const known = await this.load();
    const { size, mtimeMs } = await stat(path);
    known[path] = { sha256, sizeBytes: size, modifiedMs: mtimeMs, usedMs };
    await this.save(known);
  }

  /** When the file was last used, in milliseconds since 1970; 0 when that is not known. */
  async usedMs(path: string): Promise<number> {
    return (await this.load())[path]?.usedMs ?? 0;
  }

  async forget(path: string): Promise<void> {
    const known = await this.load();
    if (known[path] === undefined) return;
    delete known[path];
    await this.save(known);
  }

  private async load(): Promise<z.infer<typeof Known>> {
    if (this.known === undefined) {
      try {
        this.known = Known.parse(JSON.parse(await readFile(this.indexPath, "utf8")));
      } catch {
        this.known = {};
      }
    }
    return this.known;
  }

  private async save(known: z.infer<typeof Known>): Promise<void> {
    const next = `${this.indexPath}.new`;
    try {
      await writeFile(next, JSON.stringify(known));
      await rename(next, this.indexPath);
    } catch {
      // A full disk must not turn a verified file into a failed run.
    }
  }
}
