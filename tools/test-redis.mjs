import { spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const CACHE_DIR = join(
  dirname(dirname(fileURLToPath(import.meta.url))),
  "node_modules",
  ".cache",
  "benchfarm-redis",
);
/** Written when Debian's packages could not be had; they are not asked for again for a day. */
const UNAVAILABLE_PATH = join(CACHE_DIR, "unavailable");
const DEBIAN_PACKAGES = ["redis-tools", "redis-server", "libjemalloc2", "liblzf1", "libatomic1"];
const DAY_MS = 24 * 60 * 60 * 1000;

/** @typedef {{file: string, env: Record<string, string>}} RedisProgram */

function onPath(name) {
  const suffix = process.platform === "win32" ? ".exe" : "";
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const file = join(folder, name + suffix);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** Folders below `root` that hold shared libraries: `usr/lib/<triplet>` differs by architecture. */
function libraryFolders(root) {
  return ["usr/lib", "lib"].flatMap((folder) => {
    const path = join(root, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .map((name) => join(path, name))
      .filter((entry) => statSync(entry).isDirectory());
  });
}

function unpacked() {
  const root = join(CACHE_DIR, "root");
  const file = join(root, "usr", "bin", "redis-server");
  // In Debian redis-server is a link to redis-check-rdb's twin in redis-tools; a dangling one is not there.
  if (!existsSync(file)) return null;
  return { file, env: { LD_LIBRARY_PATH: libraryFolders(root).join(":") } };
}

function works(program) {
  const env = { ...process.env, ...program.env };
  return spawnSync(program.file, ["--version"], { env }).status === 0;
}

/**
 * Debian's own packages, downloaded and unpacked into the cache as any user. When the machine has no package lists, a
 * private copy is fetched. False when this is no Debian, or the network or mirror cannot be reached.
 */
function unpackFromDebian() {
  if (process.platform !== "linux" || !onPath("apt-get") || !onPath("dpkg")) return false;
  const marker = statSync(UNAVAILABLE_PATH, { throwIfNoEntry: false });
  if (marker && Date.now() - marker.mtimeMs < DAY_MS) return false;
  const downloads = join(CACHE_DIR, "downloads");
  const lists = join(CACHE_DIR, "lists");
  mkdirSync(downloads, { recursive: true });
  mkdirSync(join(lists, "partial"), { recursive: true });
  const asAnyUser = [
    "-o",
    "APT::Sandbox::User=",
    "-o",
    "Acquire::Retries=1",
    "-o",
    "Acquire::http::Timeout=10",
  ];
  const privateLists = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${CACHE_DIR}/apt`];
  const aptGet = (...args) =>
    spawnSync("apt-get", ["-qq", ...asAnyUser, ...args], { cwd: downloads, timeout: 90_000 })
      .status === 0;
  mkdirSync(join(CACHE_DIR, "apt", "archives", "partial"), { recursive: true });
  const downloaded =
    aptGet("download", ...DEBIAN_PACKAGES) ||
    (aptGet(...privateLists, "update") && aptGet(...privateLists, "download", ...DEBIAN_PACKAGES));
  const archives = downloaded ? readdirSync(downloads).filter((name) => name.endsWith(".deb")) : [];
  const root = join(CACHE_DIR, "root");
  mkdirSync(root, { recursive: true });
  const ok =
    archives.length >= DEBIAN_PACKAGES.length &&
    archives.every((name) => spawnSync("dpkg", ["-x", join(downloads, name), root]).status === 0);
  for (const folder of [downloads, lists, join(CACHE_DIR, "apt")])
    rmSync(folder, { recursive: true, force: true });
  if (!ok)
    writeFileSync(
      UNAVAILABLE_PATH,
      "Debian's redis-server could not be downloaded; remove this file to try again\n",
    );
  return ok;
}

/**
 * A redis-server to run: on PATH, unpacked earlier, or unpacked now from Debian's packages. Null when there is none.
 * @returns {RedisProgram | null}
 */
export function findRedisServer() {
  const installed = onPath("redis-server") ?? onPath("valkey-server");
  if (installed) return { file: installed, env: {} };
  const program = unpacked() ?? (unpackFromDebian() ? unpacked() : null);
  return program && works(program) ? program : null;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function answersPing(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (data) => {
      resolve(data.toString().startsWith("+PONG"));
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
  });
}

/**
 * Starts a private Redis in `folder` on a free port of 127.0.0.1, keeping nothing on disk. Null when no redis-server is
 * to be had: tests that need one then skip and say so.
 * @returns {Promise<{url: string, stop(): Promise<void>} | null>}
 */
export async function startTestRedis(folder) {
  const program = findRedisServer();
  if (program === null) return null;
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const settings = [
    "--bind",
    "127.0.0.1",
    "--port",
    String(port),
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "no",
    "--maxmemory-policy",
    "noeviction",
  ];
  const child = spawn(program.file, settings, {
    cwd: folder,
    env: { ...process.env, ...program.env },
    stdio: "ignore",
    detached: true,
  });
  let ended = false;
  child.on("error", () => (ended = true));
  child.on("exit", () => (ended = true));
  child.unref();
  writeFileSync(join(folder, "redis.pid"), String(child.pid));
  const deadline = performance.now() + 10_000;
  while (!(await answersPing(port))) {
    if (ended || performance.now() > deadline) {
      throw new Error(`redis-server (${program.file}) did not start on port ${port}`);
    }
    await delay(25);
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      if (!ended) child.kill("SIGTERM");
      while (!ended) await delay(10);
    },
  };
}

/** Ends the Redis that a killed test run left in `folder`, if that very process still lives. */
export function endAbandonedRedis(folder) {
  try {
    const pid = Number(readFileSync(join(folder, "redis.pid"), "utf8"));
    if (process.platform === "linux" && readlinkSync(`/proc/${pid}/cwd`) !== folder) return;
    process.kill(pid, "SIGTERM");
  } catch {
    // There was none, or it is gone.
  }
}
