import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from "@nestjs/common";
import pg from "pg";
import { Config } from "./config.js";
import { Log } from "./log.js";

const LEADER_LOCK = 7_262_100_818;

interface Work {
  name: string;
  intervalMs: number;
  run: (signal: AbortSignal) => Promise<void>;
  timer?: NodeJS.Timeout;
  running?: Promise<void>;
}

/**
 * Work that repeats on an own timer, in one worker process of the farm at a time: whoever holds an advisory lock of PostgreSQL, which
 * falls free when that process dies. Nothing here depends on the queue. For an instant two processes may both think they lead, so
 * the work must bear that.
 */
@Injectable()
export class Periodic implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #config: Config;
  readonly #log: Log;
  readonly #works: Work[] = [];
  readonly #stop = new AbortController();
  #client: pg.Client | undefined;
  #leading: Promise<boolean> | undefined;
  #started = false;

  constructor(config: Config, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  /**
   * Runs `run` each `intervalMs`, counted from the end of the run before, first after one interval. An error is logged and the next
   * run comes as usual. In the api role nothing runs. Call it from a constructor or `onModuleInit`.
   */
  register(name: string, intervalMs: number, run: (signal: AbortSignal) => Promise<void>): void {
    const work: Work = { name, intervalMs, run };
    this.#works.push(work);
    if (this.#started) this.#schedule(work);
  }

  onApplicationBootstrap(): void {
    if (this.#config.role === "api") return;
    this.#started = true;
    for (const work of this.#works) this.#schedule(work);
  }

  #schedule(work: Work): void {
    if (this.#stop.signal.aborted) return;
    work.timer = setTimeout(() => {
      work.running = this.#run(work).finally(() => this.#schedule(work));
    }, work.intervalMs);
  }

  async #run(work: Work): Promise<void> {
    try {
      if (await this.#leads()) await work.run(this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#log.pino.error({ err: error, work: work.name }, "periodic work failed");
    }
  }

  /** Whether this process holds the lock; tries to get it when nobody does. */
  #leads(): Promise<boolean> {
    this.#leading ??= this.#tryToLead().finally(() => (this.#leading = undefined));
    return this.#client === undefined ? this.#leading : Promise.resolve(true);
  }

  async #tryToLead(): Promise<boolean> {
    if (this.#client !== undefined) return true;
    const client = new pg.Client({
      connectionString: this.#config.databaseUrl,
      application_name: "benchfarm-leader",
      keepAlive: true,
    });
    const lost = () => {
      if (this.#client === client) this.#client = undefined;
    };
    client.on("error", lost);
    client.on("end", lost);
    let leads = false;
    try {
      await client.connect();
      const { rows } = await client.query<{ locked: boolean }>(
        "select pg_try_advisory_lock($1) as locked",
        [LEADER_LOCK],
      );
      leads = rows[0]?.locked === true && !this.#stop.signal.aborted;
    } finally {
      if (leads) this.#client = client;
      else await client.end().catch(() => undefined);
    }
    return leads;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    for (const work of this.#works) clearTimeout(work.timer);
    await Promise.all(this.#works.map(async (work) => work.running));
    await this.#leading?.catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
  }
}
