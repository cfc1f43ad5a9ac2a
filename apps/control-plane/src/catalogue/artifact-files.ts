import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Problem } from "@benchfarm/contracts";
import { Injectable, type OnApplicationBootstrap } from "@nestjs/common";
import { Clock } from "../platform/clock.js";
import { Config } from "../platform/config.js";
import type { ByteRange } from "./byte-range.rules.js";

const INCOMING = "incoming";
/** An upload that has not grown for so long was abandoned by a process that died. */
const ABANDONED_MS = 24 * 3600 * 1000;

/**
 * The content-addressed folder of the farm: `<first 2 hex digits>/<sha256>`. A file is there whole and right or not at all: it is
 * written beside, hashed on the way, and renamed. Other programs may put files in by the same rule.
 */
@Injectable()
export class ArtifactFiles implements OnApplicationBootstrap {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(config: Config, clock: Clock) {
    this.#folder = config.artifactDir;
    this.#clock = clock;
  }

  /** Where the file of this digest is, or would be. */
  path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  /** The stored file's size, or null when it is not there. */
  async sizeOf(sha256: string): Promise<number | null> {
    try {
      const stats = await stat(this.path(sha256));
      return stats.isFile() ? stats.size : null;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  }

  /** Reads a stored file, or a part of it. The stream errors when the file goes away meanwhile. */
  open(sha256: string, range?: ByteRange): Readable {
    return createReadStream(this.path(sha256), { ...range, highWaterMark: 1024 * 1024 });
  }

  /**
   * Stores what `source` brings and returns its size. Throws `digest_mismatch` when the bytes are not those of `sha256`,
   * `storage_full` when the disk is; nothing stays behind then.
   */
  async store(source: Readable, sha256: string): Promise<number> {
    const target = this.path(sha256);
    const incoming = join(this.#folder, INCOMING, `${sha256}.${randomUUID()}`);
    try {
      await mkdir(dirname(incoming), { recursive: true });
      await mkdir(dirname(target), { recursive: true });
      const digest = new DigestMeter();
      await pipeline(source, digest, createWriteStream(incoming, { flags: "wx", flush: true }));
      digest.expect(sha256);
      await rename(incoming, target);
      await syncFolder(dirname(target));
      return digest.sizeBytes;
    } catch (error) {
      await rm(incoming, { force: true }).catch(() => undefined);
      if (["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "")) {
        throw new Problem(
          "storage_full",
          "the farm's artifact folder has no room for this file; free space there and send it again",
        );
      }
      throw error;
    }
  }

  /** Hashes a stored file. Throws `digest_mismatch` when its bytes are not those of its name. */
  async verify(sha256: string): Promise<number> {
    return this.check(this.open(sha256), sha256);
  }

  /** Hashes what `source` brings without storing it; returns its size. Throws `digest_mismatch`. */
  async check(source: Readable, sha256: string): Promise<number> {
    const digest = new DigestMeter();
    await pipeline(source, digest, async (chunks) => {
      for await (const _ of chunks);
    });
    digest.expect(sha256);
    return digest.sizeBytes;
  }

  /** Removes uploads that a process left behind when it died. */
  async onApplicationBootstrap(): Promise<void> {
    const folder = join(this.#folder, INCOMING);
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      const path = join(folder, name);
      const stats = await stat(path).catch(() => null);
      if (stats !== null && this.#clock.now().getTime() - stats.mtimeMs > ABANDONED_MS) {
        await rm(path, { force: true }).catch(() => undefined);
      }
    }
  }
}

/** Passes bytes on, counting and hashing them. */
class DigestMeter extends Transform {
  readonly #hash = createHash("sha256");
  sizeBytes = 0;

  override _transform(
    chunk: Buffer,
    _: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    this.#hash.update(chunk);
    this.sizeBytes += chunk.length;
    done(null, chunk);
  }

  expect(sha256: string): void {
    const found = this.#hash.digest("hex");
    if (found === sha256) return;
    throw new Problem(
      "digest_mismatch",
      `the ${this.sizeBytes} bytes received have the SHA-256 ${found}, not ${sha256}; send the file whole, under its own digest`,
    );
  }
}

/** The rename itself must survive a power cut; not every platform can sync a folder. */
async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    return;
  }
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
