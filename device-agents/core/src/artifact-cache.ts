import { copyFile, link, mkdir, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Client } from "@benchfarm/contracts";
import { AgentFailure, isOutOfSpace } from "./agent-failure.js";
import type { Clock } from "./clock.js";
import { downloadArtifact, noRoom } from "./download-artifact.js";
import { VerifiedDigests } from "./verified-digests.js";

export interface ArtifactCacheOptions {
  folder: string;
  clock: Clock;
  /** Files are dropped, least recently used first, to keep within this many bytes. */
  maxBytes?: number;
  /** Content-addressed folders on this machine, `<dir>/<first 2 hex>/<sha256>`, from which files are taken without a download. */
  sources?: readonly string[];
  /** Bytes free at a path; the file system's own answer by default. */
  freeBytes?: (path: string) => Promise<number | null>;
}

export interface WantedArtifact {
  sha256: string;
  sizeBytes: number;
}

/** Where a content-addressed folder keeps a file. */
export function artifactPath(folder: string, sha256: string): string {
  return join(folder, sha256.slice(0, 2), sha256);
}

/** The bytes that this process may still write below a path; null when the system does not tell. */
export async function freeDiskBytes(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** Model files by sha256. A file under its final name was verified; partial downloads lie apart and are gone on with. */
export class ArtifactCache {
  private readonly digests: VerifiedDigests;
  private readonly inUse = new Map<string, number>();
  private readonly pending = new Map<string, Promise<string>>();

  constructor(private readonly options: ArtifactCacheOptions) {
    this.digests = new VerifiedDigests(join(options.folder, "verified.json"));
  }

  /**
   * The path of the verified file, taken from the cache, a local source or the farm, in that order. It stays until `release`.
   * Rejects with an AgentFailure (artifact_unavailable, artifact_corrupt, disk_full), or with the signal's reason.
   */
  async acquire(wanted: WantedArtifact, client: Client, signal: AbortSignal): Promise<string> {
    const { sha256 } = wanted;
    this.inUse.set(sha256, (this.inUse.get(sha256) ?? 0) + 1);
    try {
      let making = this.pending.get(sha256);
      if (making === undefined) {
        making = this.make(wanted, client, signal).finally(() => this.pending.delete(sha256));
        this.pending.set(sha256, making);
      }
      const path = await making;
      await this.digests.remember(path, sha256, this.options.clock.wallMs());
      return path;
    } catch (error) {
      this.release(sha256);
      throw error;
    }
  }

  /** The file may be dropped again when room is needed. */
  release(sha256: string): void {
    const uses = (this.inUse.get(sha256) ?? 0) - 1;
    if (uses > 0) this.inUse.set(sha256, uses);
    else this.inUse.delete(sha256);
  }

  async freeBytes(): Promise<number | null> {
    return (this.options.freeBytes ?? freeDiskBytes)(this.options.folder);
  }

  private async make(wanted: WantedArtifact, client: Client, signal: AbortSignal): Promise<string> {
    const path = artifactPath(this.options.folder, wanted.sha256);
    await mkdir(dirname(path), { recursive: true });
    const present = await this.digests.digestOf(path, signal);
    if (present === wanted.sha256) return path;
    if (present !== null) await this.drop(path);
    if (await this.takeFromSource(wanted, path, signal)) return path;
    await this.fetch(wanted, path, client, signal);
    return path;
  }

  /** A hard link where the file systems allow one, else a copy. A source whose bytes are wrong is passed over. */
  private async takeFromSource(
    wanted: WantedArtifact,
    path: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (const source of this.options.sources ?? []) {
      const from = artifactPath(source, wanted.sha256);
      if ((await this.digests.digestOf(from, signal).catch(() => null)) !== wanted.sha256) continue;
      try {
        await link(from, path);
        return true;
      } catch {
        // Another file system, or one without links: copied below.
      }
      await this.makeRoom(wanted.sizeBytes);
      const partial = await this.partialPath(wanted.sha256);
      try {
        await copyFile(from, partial);
        if ((await this.digests.digestOf(partial, signal)) !== wanted.sha256) continue;
        await rename(partial, path);
        return true;
      } catch (error) {
        await rm(partial, { force: true });
        if (isOutOfSpace(error)) throw noRoom(wanted.sizeBytes, error);
      } finally {
        await this.digests.forget(partial);
      }
    }
    return false;
  }

  private async fetch(
    wanted: WantedArtifact,
    path: string,
    client: Client,
    signal: AbortSignal,
  ): Promise<void> {
    const partialPath = await this.partialPath(wanted.sha256);
    for (const lastTry of [false, true]) {
      const had = (await stat(partialPath).catch(() => null))?.size ?? 0;
      if (had > wanted.sizeBytes) await rm(partialPath, { force: true });
      await this.makeRoom(Math.max(0, wanted.sizeBytes - had));
      try {
        await downloadArtifact({
          ...wanted,
          client,
          clock: this.options.clock,
          partialPath,
          signal,
        });
        const digest = await this.digests.digestOf(partialPath, signal);
        await this.digests.forget(partialPath);
        if (digest === wanted.sha256) {
          await rename(partialPath, path);
          return;
        }
      } catch (error) {
        if (error instanceof AgentFailure && error.code === "disk_full") {
          await rm(partialPath, { force: true });
        }
        throw error;
      }
      await rm(partialPath, { force: true });
      // A resumed download may join two different bodies; only a whole one that is wrong proves the farm's copy wrong.
      if (lastTry || had === 0) {
        throw new AgentFailure(
          "artifact_corrupt",
          `the farm's bytes are not those of sha256 ${wanted.sha256}; register the file again`,
        );
      }
    }
  }

  private async partialPath(sha256: string): Promise<string> {
    const folder = join(this.options.folder, "partial");
    await mkdir(folder, { recursive: true });
    return join(folder, sha256);
  }

  private async drop(path: string): Promise<void> {
    await rm(path, { force: true });
    await this.digests.forget(path);
  }

  /** Drops files that nobody uses until `bytes` more fit the cap and the disk. */
  private async makeRoom(bytes: number): Promise<void> {
    const { maxBytes = Number.POSITIVE_INFINITY } = this.options;
    const files = await this.files();
    let held = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const fits = async () =>
      held + bytes <= maxBytes && ((await this.freeBytes()) ?? bytes) >= bytes;
    for (const file of files) {
      if (await fits()) return;
      if (this.inUse.has(file.sha256)) continue;
      await this.drop(file.path);
      held -= file.sizeBytes;
    }
    if (!(await fits())) throw noRoom(bytes);
  }

  /** Least recently used first. */
  private async files(): Promise<
    { sha256: string; path: string; sizeBytes: number; usedMs: number }[]
  > {
    const found = [];
    for (const prefix of await readdir(this.options.folder)) {
      if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
      for (const sha256 of await readdir(join(this.options.folder, prefix))) {
        const path = join(this.options.folder, prefix, sha256);
        const facts = await stat(path).catch(() => null);
        if (facts?.isFile() === true) {
          found.push({
            sha256,
            path,
            sizeBytes: facts.size,
            usedMs: await this.digests.usedMs(path),
          });
        }
      }
    }
    return found.sort((a, b) => a.usedMs - b.usedMs);
  }
}
