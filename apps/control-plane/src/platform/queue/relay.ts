import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from "@nestjs/common";
import { Config } from "../config.js";
import { Database } from "../database/database.js";
import { Log } from "../log.js";
import { bundleEntries, type RelayedEntry } from "./bundle-entries.js";
import { TaskQueue } from "./task-queue.js";
import { TaskRunner } from "./task-runner.js";

/** How many outbox rows are relayed at a time; more that are due follow at once. */
const PASS_ROWS = 2_000;
const MAX_PAUSE_MS = 5_000;

const TAKE = `
  select sequence, task, key, payload from outbox
  where not_before <= clock_timestamp() order by sequence limit $1 for update skip locked`;

/**
 * Carries outbox rows that are due to the queue, at least once: the rows are deleted in the transaction that held them while they
 * were added. Several workers may relay at once and take different rows.
 */
@Injectable()
export class Relay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #database: Database;
  readonly #queue: TaskQueue;
  readonly #runner: TaskRunner;
  readonly #config: Config;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #failures = 0;
  #isClosing = false;

  constructor(database: Database, queue: TaskQueue, runner: TaskRunner, config: Config, log: Log) {
    this.#database = database;
    this.#queue = queue;
    this.#runner = runner;
    this.#config = config;
    this.#log = log;
  }

  onApplicationBootstrap(): void {
    if (this.#config.role !== "api") this.#schedule(0);
  }

  #schedule(pauseMs: number): void {
    if (this.#isClosing) return;
    this.#timer = setTimeout(() => {
      this.#pass = this.#passAndSchedule();
    }, pauseMs);
  }

  async #passAndSchedule(): Promise<void> {
    const { relayMs } = this.#config.timers;
    let pauseMs = relayMs;
    try {
      if (this.#runner.isOpen && (await this.relayOnce()) === PASS_ROWS) pauseMs = 0;
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      pauseMs = Math.min(relayMs * 2 ** this.#failures, MAX_PAUSE_MS);
      this.#log.pino.warn({ err: error }, "the outbox could not be relayed; trying again");
    }
    this.#schedule(pauseMs);
  }

  /** Relays what is due now, at most `PASS_ROWS`; returns how many rows that were. */
  async relayOnce(): Promise<number> {
    const client = await this.#database.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query("begin");
      const { rows } = await client.query<RelayedEntry & { sequence: string }>(TAKE, [PASS_ROWS]);
      if (rows.length > 0) {
        await this.#queue.addBulk(bundleEntries(rows, (task) => this.#runner.batchOf(task)));
        await client.query("delete from outbox where sequence = any($1::bigint[])", [
          rows.map((row) => row.sequence),
        ]);
      }
      await client.query("commit");
      return rows.length;
    } catch (error) {
      await client.query("rollback").catch((lost: Error) => (broken = lost));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#pass;
  }
}
