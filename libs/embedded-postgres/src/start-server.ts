import { statSync } from "node:fs";
import type { Socket } from "node:net";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import pg from "pg";

import { giveTo, chooseRunAs } from "./run-as.js";
import {
  forgetReusedPid,
  inspectDataFolder,
  isPostmasterOf,
  readPostmasterNote,
  removePrivateSocketFolder,
} from "./data-folder.js";
import { serverUrl } from "./database-url.js";
import { EmbeddedPostgresError } from "./embedded-postgres-error.js";
import { launchServer, makeDataFolder, requestStop } from "./launch-postgres.js";
import { findNativeBinaries, prepareBinaries } from "./native-binaries.js";
import type { NativeBinaries } from "./native-binaries.js";
import { serverSettings } from "./server-settings.js";
import type { Durability } from "./server-settings.js";

/** Shared by every process that uses a server; whoever can take it alone is the last one and may stop the server. */
const USERS_LOCK = 7_262_100_817;
const START_TIMEOUT_MS = 120_000;
/** Another process started a server in the same moment, or a killed server's last children are still ending. */
const BUSY_FOLDER =
  /lock file ".*postmaster\.pid" already exists|pre-existing shared memory block .* still in use/;
const STOP_TIMEOUT_MS = 30_000;

export interface StartOptions {
  /** The PostgreSQL data folder; made when absent or empty. */
  dataDir: string;
  /** Told in words what takes time: copying programs, making the folder, starting, recovering. */
  onProgress?: (message: string) => void;
  /** Defaults to `"full"`. */
  durability?: Durability;
}

export interface EmbeddedPostgres {
  /** Connection URL of the maintenance database `postgres`; see `ensureDatabase`. */
  url: string;
  pid: number;
  /** True when a server was already running on the folder (left by a killed process, or in use by another one). */
  adopted: boolean;
  /**
   * Stops the server, unless another process still uses it: then that process's `stop` does. Close own pools first.
   * @throws EmbeddedPostgresError `stop_failed` when the server does not end in time.
   */
  stop(): Promise<"stopped" | "left_running">;
}

/**
 * Starts PostgreSQL on `dataDir` from the programs that npm installed, or adopts the server that runs there already.
 * Resolves when it answers queries. Data acknowledged before a kill -9 of this process or of the server is there again.
 * The server outlives a killed owner; the next start on the same folder adopts it.
 * @throws EmbeddedPostgresError, see its codes
 */
export async function startEmbeddedPostgres(options: StartOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const onProgress = options.onProgress ?? (() => undefined);
  const settings = serverSettings(options.durability ?? "full");
  const found = findNativeBinaries();
  const runAs = chooseRunAs(dataDir);
  const binaries = prepareBinaries(found, runAs, onProgress);
  const deadline = performance.now() + START_TIMEOUT_MS;

  for (;;) {
    if (inspectDataFolder(dataDir, binaries.major) === "absent") {
      onProgress(`making a PostgreSQL ${binaries.major} database in ${dataDir}`);
      await makeDataFolder(binaries, dataDir, runAs);
    } else if (runAs && statSync(dataDir).uid === 0) {
      giveTo(dataDir, runAs);
    }

    const note = readPostmasterNote(dataDir);
    const isRunning = note === null ? false : isPostmasterOf(note.pid, dataDir);
    if (note !== null && isRunning !== false) {
      const keeper = await connectWhenReady(
        dataDir,
        deadline,
        () => isRunning === null || isPostmasterOf(note.pid, dataDir) === false,
      );
      if (keeper !== null) return handle(binaries, dataDir, keeper, true);
      if (performance.now() > deadline) {
        throw new EmbeddedPostgresError(
          "start_timeout",
          `a PostgreSQL server (process ${note.pid}) runs on ${dataDir} but does not answer; stop that process and try again`,
        );
      }
      // It was just being stopped by its last user. Where pids cannot be told apart, PostgreSQL itself decides below.
      if (isRunning) continue;
    } else if (note !== null) {
      onProgress("recovering the database after an unclean end");
      forgetReusedPid(dataDir, note.pid);
    }

    onProgress("starting PostgreSQL");
    const launched = await launchServer(binaries, dataDir, runAs, settings);
    let ended: string | null = null;
    void launched.exited.then(({ reason }) => (ended = reason));
    const keeper = await connectWhenReady(dataDir, deadline, () => ended !== null);
    if (keeper !== null) {
      return handle(binaries, dataDir, keeper, ended !== null);
    }
    const log = launched.readLogTail();
    if (ended !== null && BUSY_FOLDER.test(log) && performance.now() < deadline) {
      await delay(100);
      continue;
    }
    throw new EmbeddedPostgresError(
      ended === null ? "start_timeout" : "start_failed",
      `PostgreSQL did not start on ${dataDir}: ${ended ?? `no answer in ${START_TIMEOUT_MS / 1000} s`}\n${log}`,
    );
  }
}

/** A connection that is held while the server is in use. */
interface Keeper {
  client: pg.Client;
  pid: number;
  url: string;
  socketDir: string;
}

/**
 * Waits until the server answers; null when `hopeless` says so or the deadline passes. A server that is still
 * recovering refuses connections with 57P03 for a while.
 */
async function connectWhenReady(
  dataDir: string,
  deadline: number,
  hopeless: () => boolean,
): Promise<Keeper | null> {
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.5, 200)) {
    const note = readPostmasterNote(dataDir);
    if (note?.listening) {
      const url = serverUrl(note.listening, dataDir);
      const client = new pg.Client({
        connectionString: url,
        ssl: false,
        application_name: "benchfarm-keeper",
        connectionTimeoutMillis: 5_000,
      });
      // A server that goes away later is noticed by the pools that work with it.
      client.on("error", () => undefined);
      try {
        await client.connect();
        await client.query("select pg_advisory_lock_shared($1)", [USERS_LOCK]);
        holdEventLoop(client, false);
        return { client, pid: note.pid, url, socketDir: note.listening.socketDir };
      } catch {
        await client.end().catch(() => undefined);
      }
    }
    if (performance.now() > deadline || hopeless()) return null;
    await delay(pauseMs);
  }
}

/** The idle connection must not keep a process alive that is done; a query that is waited for must. */
function holdEventLoop(client: pg.Client, hold: boolean): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  if (hold) stream.ref();
  else stream.unref();
}

function handle(
  binaries: NativeBinaries,
  dataDir: string,
  keeper: Keeper,
  adopted: boolean,
): EmbeddedPostgres {
  let stopping: Promise<"stopped" | "left_running"> | null = null;
  return {
    url: keeper.url,
    pid: keeper.pid,
    adopted,
    stop: () => (stopping ??= stop(binaries, dataDir, keeper)),
  };
}

async function stop(
  binaries: NativeBinaries,
  dataDir: string,
  { client, pid, socketDir }: Keeper,
): Promise<"stopped" | "left_running"> {
  holdEventLoop(client, true);
  try {
    await client.query("select pg_advisory_unlock_shared($1)", [USERS_LOCK]);
    const answer = await client.query<{ alone: boolean }>(
      "select pg_try_advisory_lock($1) as alone",
      [USERS_LOCK],
    );
    if (answer.rows[0]?.alone === false) {
      await client.end();
      return "left_running";
    }
  } catch {
    // The connection is gone: the server ended, or nothing is known about other users of it.
    if (isPostmasterOf(pid, dataDir) === false) return "stopped";
  }
  await client.end().catch(() => undefined);
  if (readPostmasterNote(dataDir)?.pid !== pid) return "stopped";
  requestStop(binaries, dataDir, pid);
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  // The postmaster removes its note as its last act.
  while (readPostmasterNote(dataDir)?.pid === pid) {
    if (isPostmasterOf(pid, dataDir) === false) break;
    if (performance.now() > deadline) {
      throw new EmbeddedPostgresError(
        "stop_failed",
        `PostgreSQL (process ${pid}) on ${dataDir} did not end in ${STOP_TIMEOUT_MS / 1000} s`,
      );
    }
    await delay(20);
  }
  removePrivateSocketFolder(socketDir);
  return "stopped";
}

/**
 * Stops the server that a killed process left running on `dataDir`, unless a living one uses it.
 * Resolves to `"none"` when no server runs there.
 */
export async function stopAbandonedServer(
  dataDir: string,
): Promise<"none" | "stopped" | "left_running"> {
  const note = readPostmasterNote(resolve(dataDir));
  if (note === null || isPostmasterOf(note.pid, resolve(dataDir)) === false) return "none";
  const server = await startEmbeddedPostgres({ dataDir });
  return server.stop();
}
