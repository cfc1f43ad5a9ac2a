import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";

import { childEnvironment } from "./config.js";
import { PASSWORD_FILE, socketFolder } from "./data-folder.js";
import { SUPERUSER } from "./database-url.js";
import { EmbeddedPostgresError } from "./embedded-postgres-error.js";
import type { NativeBinaries } from "./native-binaries.js";
import { canReach } from "./run-as.js";
import type { RunAs } from "./run-as.js";

const onWindows = process.platform === "win32";
const LOG_FILE = "server.log";
const LONGEST_LOG_BYTES = 8 * 1024 * 1024;

/** How a child finds the data folder: by its path, or by an inherited descriptor when the path is closed to it. */
interface FolderAccess {
  path: string;
  stdio: (number | "ignore")[];
  close(): void;
}

/**
 * Below a folder closed to `runAs` (root's home, for one) the server could not even enter its own data folder by path.
 * Root opens it and hands the descriptor down; on Linux `/proc/self/fd/3` then leads straight to it, for every child
 * of the server too, and the data stays where the user asked for it.
 */
function openFolder(dir: string, runAs: RunAs): FolderAccess {
  if (canReach(dir, runAs)) return { path: dir, stdio: [], close: () => undefined };
  if (process.platform !== "linux") {
    throw new EmbeddedPostgresError(
      "data_folder_not_accessible",
      `PostgreSQL must not run as root, and ${dir} is closed to other users; run as an ordinary user or choose another data folder`,
    );
  }
  const descriptor = openSync(dir, "r");
  return {
    path: "/proc/self/fd/3",
    stdio: [descriptor],
    close: () => closeSync(descriptor),
  };
}

function identity(runAs: RunAs): { uid?: number; gid?: number; cwd?: string } {
  return runAs === null ? {} : { uid: runAs.uid, gid: runAs.gid, cwd: "/" };
}

/**
 * Makes a database cluster at `dataDir`, which is absent or empty. It is made beside and moved into place when
 * complete, so a process killed half way leaves no half-made database, and of two makers one wins.
 * @throws EmbeddedPostgresError `initdb_failed`
 */
export async function makeDataFolder(
  binaries: NativeBinaries,
  dataDir: string,
  runAs: RunAs,
): Promise<void> {
  const parent = dirname(dataDir);
  const draftPrefix = `${basename(dataDir)}.draft-`;
  mkdirSync(parent, { recursive: true });
  removeDeadDrafts(parent, draftPrefix);
  const draft = mkdtempSync(join(parent, `${draftPrefix}${process.pid}-`));
  try {
    if (runAs) chownSync(draft, runAs.uid, runAs.gid);
    chmodSync(draft, 0o700);
    const folder = openFolder(draft, runAs);
    const passwordFile = `${draft}.${PASSWORD_FILE}`;
    const authentication = ["--auth=trust"];
    if (onWindows) {
      writeFileSync(passwordFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
      authentication.splice(0, 1, "--auth=scram-sha-256", `--pwfile=${passwordFile}`);
    }
    try {
      await initdb(binaries, folder, authentication, runAs);
      if (onWindows) renameSync(passwordFile, join(draft, PASSWORD_FILE));
    } finally {
      folder.close();
      rmSync(passwordFile, { force: true });
    }
    moveIntoPlace(draft, dataDir);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function initdb(
  binaries: NativeBinaries,
  folder: FolderAccess,
  authentication: string[],
  runAs: RunAs,
): Promise<void> {
  const options = ["-U", SUPERUSER, "-E", "UTF8", "--no-locale", "--no-instructions"];
  return new Promise((resolve, reject) => {
    const child = spawn(binaries.initdb, ["-D", folder.path, ...options, ...authentication], {
      ...identity(runAs),
      env: childEnvironment(),
      stdio: ["ignore", "pipe", "pipe", ...folder.stdio],
      windowsHide: true,
    });
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const fail = (reason: string, cause?: unknown) =>
      reject(
        new EmbeddedPostgresError(
          "initdb_failed",
          `PostgreSQL could not make its database folder: ${reason}\n${output.trim()}`,
          { cause },
        ),
      );
    child.on("error", (error) => fail(startFailureHint(error), error));
    child.on("close", (code, signal) =>
      code === 0 ? resolve() : fail(`initdb ended with ${code ?? signal}`),
    );
  });
}

function startFailureHint(error: NodeJS.ErrnoException): string {
  return error.code === "ENOENT" && process.platform === "linux"
    ? `${error.message} (the programs need glibc; on Alpine use your own PostgreSQL by setting DATABASE_URL)`
    : error.message;
}

function moveIntoPlace(draft: string, dataDir: string): void {
  try {
    if (onWindows && statSync(dataDir, { throwIfNoEntry: false })) rmdirSync(dataDir);
    renameSync(draft, dataDir);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    // Somebody else's complete folder is there already: theirs is as good as ours.
    if (!["ENOTEMPTY", "EEXIST", "EPERM"].includes(code)) throw error;
    if (!statSync(join(dataDir, "PG_VERSION"), { throwIfNoEntry: false })) throw error;
  }
}

function removeDeadDrafts(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const maker = Number.parseInt(name.slice(prefix.length), 10);
    try {
      process.kill(maker, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") {
        rmSync(join(parent, name), { recursive: true, force: true });
      }
    }
  }
}

/** A postmaster that was just spawned. `exited` settles when it ends, or when a launching program on Windows fails. */
export interface Launched {
  exited: Promise<{ reason: string }>;
  readLogTail(): string;
}

/**
 * Spawns the server on an existing data folder, detached from this process's signals and pipes, so that it outlives a
 * killed owner in good order. It listens on a unix socket only; on Windows on a free port of 127.0.0.1 with a password.
 * Being ready is for the caller to find out.
 */
export async function launchServer(
  binaries: NativeBinaries,
  dataDir: string,
  runAs: RunAs,
  settings: string[],
): Promise<Launched> {
  const logPath = join(dataDir, LOG_FILE);
  const logSizeBytes = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  if (logSizeBytes > LONGEST_LOG_BYTES) renameSync(logPath, `${logPath}.1`);
  const log = openSync(logPath, "a", 0o600);
  const logStart = statSync(logPath).size;
  const folder = openFolder(dataDir, runAs);
  try {
    const child = onWindows
      ? spawn(
          binaries.pgCtl,
          ["start", "-D", dataDir, "-o", await windowsOptions(settings), "-w", "-t", "60"],
          { env: childEnvironment(), stdio: ["ignore", log, log], windowsHide: true },
        )
      : spawn(
          binaries.postgres,
          [
            "-D",
            folder.path,
            "-k",
            socketFolder(dataDir, runAs),
            ...["listen_addresses=", ...settings].flatMap((s) => ["-c", s]),
          ],
          {
            ...identity(runAs),
            env: childEnvironment(),
            detached: true,
            stdio: ["ignore", log, log, ...folder.stdio],
          },
        );
    child.unref();
    const exited = new Promise<{ reason: string }>((resolve) => {
      child.on("error", (error) => resolve({ reason: startFailureHint(error) }));
      child.on("exit", (code, signal) => {
        // pg_ctl ends well once the server is up.
        if (!onWindows || code !== 0) resolve({ reason: `it ended with ${code ?? signal}` });
      });
    });
    return {
      exited,
      readLogTail: () =>
        readFileSync(logPath)
          .subarray(logStart)
          .toString()
          .trim()
          .split("\n")
          .slice(-12)
          .join("\n"),
    };
  } finally {
    folder.close();
    closeSync(log);
  }
}

async function windowsOptions(settings: string[]): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
  return [`-p ${port}`, ...["listen_addresses=127.0.0.1", ...settings].map((s) => `-c ${s}`)].join(
    " ",
  );
}

/** Asks the server to end: open transactions are rolled back, everything committed is on disk. */
export function requestStop(binaries: NativeBinaries, dataDir: string, pid: number): void {
  if (onWindows) {
    spawn(binaries.pgCtl, ["stop", "-D", dataDir, "-m", "fast", "-W"], {
      env: childEnvironment(),
      stdio: "ignore",
      windowsHide: true,
    }).on("error", () => undefined);
    return;
  }
  process.kill(pid, "SIGINT");
}
