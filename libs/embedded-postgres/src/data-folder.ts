import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { EmbeddedPostgresError } from "./embedded-postgres-error.js";
import { canReach } from "./run-as.js";
import type { RunAs } from "./run-as.js";

/** PostgreSQL binds `<folder>/.s.PGSQL.5432`; systems allow about 104 bytes for the whole. */
const LONGEST_SOCKET_FOLDER_BYTES = 88;

const PRIVATE_SOCKET_PREFIX = "benchfarm-pg-";

/** The password file exists only where the server listens on TCP (Windows). */
export const PASSWORD_FILE = "benchfarm.password";

/**
 * Says what lies at `dataDir`: `"absent"` (nothing, or an empty folder) or `"ready"` (made by this major version).
 * @throws EmbeddedPostgresError `data_folder_other_major`, `data_folder_not_postgres`, `data_folder_not_accessible`
 */
export function inspectDataFolder(dataDir: string, major: number): "absent" | "ready" {
  let entries: string[];
  try {
    entries = readdirSync(dataDir);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return "absent";
    throw new EmbeddedPostgresError(
      "data_folder_not_accessible",
      `the database folder ${dataDir} cannot be read (${code}); it may have been made by another user (root, for one): ` +
        `run as that user, give the folder to this one, or choose another data folder`,
      { cause },
    );
  }
  if (entries.length === 0) return "absent";
  if (!entries.includes("PG_VERSION")) {
    throw new EmbeddedPostgresError(
      "data_folder_not_postgres",
      `${dataDir} holds files that are not a PostgreSQL database; it is left as it is: choose another data folder`,
    );
  }
  const found = readFileSync(join(dataDir, "PG_VERSION"), "utf8").trim();
  if (found !== String(major)) {
    throw new EmbeddedPostgresError(
      "data_folder_other_major",
      `${dataDir} was made by PostgreSQL ${found}, and this is PostgreSQL ${major}; it is left as it is: choose another ` +
        `data folder, or move the data with PostgreSQL ${found} running and DATABASE_URL pointing to it`,
    );
  }
  return "ready";
}

/** What a running (or killed) postmaster wrote into `postmaster.pid`; see PostgreSQL's `utils/pidfile.h`. */
export interface PostmasterNote {
  pid: number;
  /** Null until the server listens. `socketDir` is empty where it listens on no unix socket. */
  listening: { port: number; socketDir: string } | null;
}

/** Reads `postmaster.pid`; null when there is none. The server writes it line by line, the status line last. */
export function readPostmasterNote(dataDir: string): PostmasterNote | null {
  let lines: string[];
  try {
    lines = readFileSync(join(dataDir, "postmaster.pid"), "utf8").split(/\r?\n/);
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const port = Number(lines[3]);
  const status = lines[7]?.trim() ?? "";
  if (status === "" || !Number.isInteger(port)) return { pid, listening: null };
  return { pid, listening: { port, socketDir: lines[4]?.trim() ?? "" } };
}

/**
 * True when process `pid` lives and is a postmaster on `dataDir`; a pid is reused after a restart of the machine or
 * container, and killing or waiting for an innocent process must not happen. Null: cannot be told on this platform.
 */
export function isPostmasterOf(pid: number, dataDir: string): boolean | null {
  if (!isAlive(pid)) return false;
  if (process.platform !== "linux") return null;
  try {
    // A postmaster's working directory is its data folder; a zombie has none.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDir);
  } catch {
    return false;
  }
}

/**
 * Call when `pid` in `postmaster.pid` is no postmaster of this folder. A dead pid is PostgreSQL's own business; one that
 * another program got meanwhile makes it refuse to start, so that line is replaced by a dead one. The note itself must
 * stay: it names the shared memory by which PostgreSQL sees that children of a killed server are still writing.
 */
export function forgetReusedPid(dataDir: string, pid: number): void {
  if (!isAlive(pid)) return;
  const path = join(dataDir, "postmaster.pid");
  const [, ...rest] = readFileSync(path, "utf8").split("\n");
  let deadPid = 99_999;
  while (isAlive(deadPid)) deadPid -= 1;
  writeFileSync(path, [deadPid, ...rest].join("\n"));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * The folder for the unix socket: the data folder itself, or, when its path is too long or closed to `runAs`, a private
 * one under a temporary folder, always the same for the same data folder.
 */
export function socketFolder(dataDir: string, runAs: RunAs): string {
  const real = realpathSync(dataDir);
  if (Buffer.byteLength(real) <= LONGEST_SOCKET_FOLDER_BYTES && canReach(real, runAs)) return real;
  const key = createHash("sha256").update(real).digest("hex").slice(0, 16);
  const parents = [tmpdir(), "/var/tmp", "/tmp"].filter(
    (dir) =>
      existsSync(dir) &&
      canReach(dir, runAs) &&
      Buffer.byteLength(dir) + 32 <= LONGEST_SOCKET_FOLDER_BYTES,
  );
  const owner = runAs?.uid ?? process.getuid?.() ?? 0;
  for (const parent of parents) {
    const dir = join(realpathSync(parent), `${PRIVATE_SOCKET_PREFIX}${key}`);
    try {
      mkdirSync(dir, { mode: 0o700 });
      if (runAs) chownSync(dir, runAs.uid, runAs.gid);
    } catch {
      // It is there from last time, or the parent is read-only; the check below decides.
    }
    const stat = lstatSync(dir, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) continue;
    if (stat.uid === 0 && runAs) chownSync(dir, runAs.uid, runAs.gid);
    else if (stat.uid !== owner) continue;
    chmodSync(dir, 0o700);
    return dir;
  }
  throw new EmbeddedPostgresError(
    "data_folder_not_accessible",
    `the path ${real} is too long for a unix socket and no temporary folder can take it; choose a shorter data folder`,
  );
}

/** Removes what `socketFolder` made under a temporary folder, once the server is gone. */
export function removePrivateSocketFolder(dir: string): void {
  if (!basename(dir).startsWith(PRIVATE_SOCKET_PREFIX)) return;
  try {
    rmdirSync(dir);
  } catch {
    // The next server is starting there already, or somebody removed it.
  }
}
