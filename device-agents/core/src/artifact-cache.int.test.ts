import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Client } from "@benchfarm/contracts";
import { ArtifactCache, artifactPath } from "./artifact-cache.js";
import { systemClock } from "./clock.js";
import { enrolAgent } from "./enrol.js";
import { createFarmClient } from "./farm-client.js";
import { readKey } from "./identity.js";
import { FakeHost } from "./testing/fake-host.js";
import { FaultFarm } from "./testing/fault-farm.js";

let farm: FaultFarm;
let root: string;
let folder: string;
let client: Client;
const signal = new AbortController().signal;

beforeEach(async () => {
  farm = await FaultFarm.start();
  root = await mkdtemp(join(tmpdir(), "cache-"));
  folder = join(root, "artifacts");
  const host = new FakeHost();
  const agent = { url: farm.url, code: "ABCD", folder: root, hosts: [host], name: "a" };
  const { agentId } = await enrolAgent(agent);
  const privateKey = (await readKey(root)) ?? generateKeyPairSync("ed25519").privateKey;
  client = createFarmClient({ url: farm.url, privateKey, keyId: agentId, clock: systemClock });
});

afterEach(async () => {
  await farm.stop();
  await rm(root, { recursive: true, force: true });
});

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function stored(
  sizeBytes: number,
  seed = 1,
): { sha256: string; sizeBytes: number; bytes: Uint8Array } {
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 31 + seed * 7) % 251);
  const sha256 = digestOf(bytes);
  farm.artifacts.set(sha256, bytes);
  return { sha256, sizeBytes, bytes };
}

const cacheWith = (over: Partial<ConstructorParameters<typeof ArtifactCache>[0]> = {}) =>
  new ArtifactCache({ folder, clock: systemClock, ...over });

async function putIn(source: string, name: string, bytes: Uint8Array): Promise<string> {
  const path = artifactPath(source, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

describe("the artifact cache", () => {
  it("fetches once, verifies, and fetches no more", async () => {
    const wanted = stored(100_000);
    const cache = cacheWith();
    const path = await cache.acquire(wanted, client, signal);
    expect(new Uint8Array(await readFile(path))).toEqual(wanted.bytes);
    expect(await cacheWith().acquire(wanted, client, signal)).toBe(path);
    expect(farm.callsOf("fetchArtifact")).toHaveLength(1);
  });

  it("goes on with a download that was cut, also after a restart", async () => {
    const wanted = stored(3_000_000);
    farm.inject("fetchArtifact", { kind: "cut_body_after", bytes: 1_000_000 });
    farm.inject("fetchArtifact", { kind: "drop_request" });
    await cacheWith().acquire(wanted, client, signal);
    const ranges = farm.callsOf("fetchArtifact").map(({ headers }) => headers.range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.at(-1)).toMatch(/^bytes=[1-9]\d*-$/);

    const other = stored(2_000_000, 5);
    await mkdir(join(folder, "partial"), { recursive: true });
    await writeFile(join(folder, "partial", other.sha256), other.bytes.subarray(0, 700_000));
    await cacheWith().acquire(other, client, signal);
    expect(farm.callsOf("fetchArtifact").at(-1)?.headers.range).toBe("bytes=700000-");
  });

  it("starts over when a partial download was of other bytes", async () => {
    const wanted = stored(200_000);
    await mkdir(join(folder, "partial"), { recursive: true });
    await writeFile(join(folder, "partial", wanted.sha256), new Uint8Array(50_000).fill(9));
    const path = await cacheWith().acquire(wanted, client, signal);
    expect(digestOf(new Uint8Array(await readFile(path)))).toBe(wanted.sha256);
  });

  it("refuses bytes that are not those of the digest, and keeps none of them", async () => {
    const wanted = stored(10_000);
    farm.artifacts.set(
      wanted.sha256,
      wanted.bytes.map((byte) => byte ^ 1),
    );
    const fetching = cacheWith().acquire(wanted, client, signal);
    await expect(fetching).rejects.toMatchObject({ code: "artifact_corrupt" });
    await expect(stat(artifactPath(folder, wanted.sha256))).rejects.toThrow();
    farm.artifacts.set(wanted.sha256, new Uint8Array(20_000));
    const longer = cacheWith().acquire(wanted, client, signal);
    await expect(longer).rejects.toMatchObject({ code: "artifact_corrupt" });
  });

  it("fetches a cached file anew when its bytes have changed", async () => {
    const wanted = stored(10_000);
    const cache = cacheWith();
    const path = await cache.acquire(wanted, client, signal);
    await writeFile(path, new Uint8Array(10_000));
    await utimes(path, 1, 1);
    await cache.acquire(wanted, client, signal);
    expect(digestOf(new Uint8Array(await readFile(path)))).toBe(wanted.sha256);
    expect(farm.callsOf("fetchArtifact")).toHaveLength(2);
  });

  it("takes a verified file from a folder of this machine, and leaves that as it was", async () => {
    const wanted = stored(10_000);
    const source = join(root, "store");
    const from = await putIn(source, wanted.sha256, wanted.bytes);
    const before = await stat(from);
    const path = await cacheWith({ sources: [source] }).acquire(wanted, client, signal);
    const [linked, after] = [await stat(path), await stat(from)];
    expect(linked.ino).toBe(before.ino);
    expect(after.mtimeMs).toBe(before.mtimeMs);
    expect(farm.callsOf("fetchArtifact")).toHaveLength(0);
  });

  it("passes over a source whose bytes are wrong", async () => {
    const wanted = stored(10_000);
    const source = join(root, "store");
    await putIn(source, wanted.sha256, new Uint8Array(10_000));
    await cacheWith({ sources: [join(root, "none"), source] }).acquire(wanted, client, signal);
    expect(farm.callsOf("fetchArtifact")).toHaveLength(1);
  });

  it("drops the least recently used file that is not in use to keep its cap", async () => {
    const [one, two, three] = [stored(40_000, 1), stored(40_000, 2), stored(40_000, 3)];
    const cache = cacheWith({ maxBytes: 100_000 });
    await cache.acquire(one, client, signal);
    await cache.acquire(two, client, signal);
    cache.release(two.sha256);
    await cache.acquire(three, client, signal);
    const isThere = (sha256: string) =>
      stat(artifactPath(folder, sha256)).then(
        () => true,
        () => false,
      );
    expect(await isThere(one.sha256)).toBe(true);
    expect(await isThere(two.sha256)).toBe(false);
    const full = cache.acquire(two, client, signal);
    await expect(full).rejects.toMatchObject({ code: "disk_full" });
  });

  it("says that the disk is full before it starts to fill it", async () => {
    const wanted = stored(10_000);
    const cache = cacheWith({ freeBytes: async () => 9_999 });
    const fetching = cache.acquire(wanted, client, signal);
    await expect(fetching).rejects.toMatchObject({ code: "disk_full" });
    expect(farm.callsOf("fetchArtifact")).toHaveLength(0);
  });

  it("stops when it is told to", async () => {
    const wanted = stored(10_000);
    farm.inject("fetchArtifact", { kind: "drop_request" }, 100);
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 50);
    await expect(cacheWith().acquire(wanted, client, stopping.signal)).rejects.toThrow();
  });

  it("gives a fetch up that brings nothing, with the reason", async () => {
    const clock = { ...systemClock, sleep: async () => undefined };
    farm.inject("fetchArtifact", { kind: "problem", code: "unavailable" }, 100);
    const fetching = cacheWith({ clock }).acquire(stored(10), client, signal);
    await expect(fetching).rejects.toMatchObject({
      code: "artifact_unavailable",
      message: expect.stringContaining("injected unavailable"),
    });
  });
});

const mayMount = process.platform === "linux" && process.getuid?.() === 0;
const tryMount = (at: string) => {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", at], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

describe("a disk of one megabyte", () => {
  it("that fills up while a file is written is a full disk, and is left with room", async () => {
    const at = join(root, "small");
    await mkdir(at);
    if (!mayMount || !tryMount(at)) {
      console.warn("skipped: mounting a tmpfs needs root");
      return;
    }
    try {
      const wanted = stored(3_000_000);
      // The system's own answer would stop it before: the disk fills up under it instead.
      const cache = cacheWith({ folder: at, freeBytes: async () => null });
      const fetching = cache.acquire(wanted, client, signal);
      await expect(fetching).rejects.toMatchObject({ code: "disk_full" });
      const small = stored(300_000);
      await cache.acquire(small, client, signal);
    } finally {
      execFileSync("umount", [at]);
    }
  });
});
