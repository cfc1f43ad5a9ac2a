import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { IQueueBackend, Job, Queue, Worker } from "bullmq";
import type { Logger } from "pino";
import {
  TaskQueue,
  type ConsumeOptions,
  type MessageHandler,
  type QueueCounts,
  type TaskItem,
  type TaskMessage,
} from "./task-queue.js";

const QUEUE_NAME = "benchfarm-tasks";
const FETCH_BLOCK_S = 5;
/** A fetch that takes this much longer than it may is stuck: on PostgreSQL a worker may stop fetching after a server restart. */
const FETCH_GRACE_MS = 10_000;
const FETCH_RETRY_MS = 1_000;
const CLOSE_FETCH_MS = 250;
const WORKER_CLOSE_MS = 1_000;
const DRAIN_MS = 8_000;
const KEEP_FAILED_S = 7 * 24 * 3600;

type AnyQueue = Queue<Data, void, string, Data, void, string, IQueueBackend, unknown>;
type AnyWorker = Worker<Data, void, string, IQueueBackend, number, unknown>;

interface Data {
  items: TaskItem[];
}

/** What differs between BullMQ's backends. */
export interface BullBackend {
  /** Makes what must be there before a queue is made; throws while the backend is away. */
  prepare(): Promise<void>;
  newQueue(name: string): AnyQueue;
  newWorker(name: string, lockMs: number, fetchBlockS: number): AnyWorker;
  close(): Promise<void>;
}

export interface BullTaskQueueOptions {
  /** How long a handler may go without a sign of life; it is renewed while it runs. */
  lockMs: number;
  log: Logger;
}

/**
 * TaskQueue on BullMQ 6. Jobs are fetched by hand in one loop: BullMQ's own loop stops for good when PostgreSQL restarts under it.
 * Retries, backoff, deduplication and recovery of abandoned jobs are BullMQ's.
 */
export class BullTaskQueue extends TaskQueue {
  readonly #backend: BullBackend;
  readonly #options: BullTaskQueueOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  /** Resolves a little after the stop: a fetch under way may still bring a job, one that blocks is left to the worker's close. */
  readonly #stopped = once(this.#stop.signal, "abort").then(() => delay(CLOSE_FETCH_MS, undefined));
  #queue: AnyQueue | undefined;
  #worker: AnyWorker | undefined;
  #loop: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(backend: BullBackend, options: BullTaskQueueOptions) {
    super();
    this.#backend = backend;
    this.#options = options;
  }

  async open(): Promise<void> {
    if (this.#queue !== undefined) return;
    await this.#backend.prepare();
    const queue = this.#backend.newQueue(QUEUE_NAME);
    queue.on("error", (error) => this.#warn(error, "the queue reports an error"));
    await queue.waitUntilReady();
    this.#queue = queue;
  }

  async addBulk(messages: readonly TaskMessage[]): Promise<void> {
    await this.#opened().addBulk(
      messages.map(({ task, items, dedupeKey, delayMs }) => ({
        name: task,
        data: { items: [...items] },
        opts: {
          attempts: 10,
          backoff: { type: "exponential", delay: 1_000, jitter: 0.5 },
          removeOnComplete: true,
          removeOnFail: { age: KEEP_FAILED_S, count: 10_000 },
          ...(delayMs === undefined || delayMs <= 0 ? {} : { delay: Math.ceil(delayMs) }),
          ...(dedupeKey === null
            ? {}
            : { deduplication: { id: `${task}-${dedupeKey}`, keepLastIfActive: true } }),
        },
      })),
    );
  }

  consume(handler: MessageHandler, options: ConsumeOptions): void {
    if (this.#loop !== undefined) throw new Error("the queue is being consumed already");
    this.#opened();
    this.#loop = this.#fetch(handler, options.concurrency);
  }

  async counts(): Promise<QueueCounts> {
    const counts = await this.#opened().getJobCounts(
      "waiting",
      "prioritized",
      "active",
      "delayed",
      "failed",
    );
    return {
      waiting: (counts["waiting"] ?? 0) + (counts["prioritized"] ?? 0),
      active: counts["active"] ?? 0,
      delayed: counts["delayed"] ?? 0,
      failed: counts["failed"] ?? 0,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    // Handlers first: a worker that is closed cannot report what they did.
    const ended = (this.#loop ?? Promise.resolve()).then(() => this.#drained());
    await Promise.race([ended, delay(DRAIN_MS, undefined, { ref: false })]);
    if (this.#worker !== undefined) await endWorker(this.#worker);
    // A pool waits for ever for a lent connection that broke.
    await withDeadline(this.#disconnect(), WORKER_CLOSE_MS).catch(() => undefined);
  }

  async #disconnect(): Promise<void> {
    await this.#queue?.close().catch(() => undefined);
    await this.#backend.close();
  }

  async #drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #opened(): AnyQueue {
    if (this.#queue === undefined) throw new Error("the queue is not open");
    return this.#queue;
  }

  get #isClosing(): boolean {
    return this.#stop.signal.aborted;
  }

  async #fetch(handler: MessageHandler, concurrency: number): Promise<void> {
    let fetched = 0;
    while (!this.#isClosing) {
      if (this.#running.size >= concurrency) {
        await Promise.race(this.#running);
        continue;
      }
      const token = `${process.pid}-${(fetched += 1)}`;
      const startedMs = performance.now();
      try {
        this.#worker ??= await this.#newWorker();
        const job = await this.#next(this.#worker, token);
        if (job !== undefined) {
          this.#track(this.#handle(job, token, handler));
        } else if (performance.now() - startedMs < 20) {
          // A blocking fetch may return at once on a stale marker.
          await delay(50);
        }
      } catch (error) {
        if (this.#isClosing) return;
        this.#warn(error, "fetching a task failed; a new worker takes over");
        if (this.#worker !== undefined) void endWorker(this.#worker);
        this.#worker = undefined;
        await delay(FETCH_RETRY_MS);
      }
    }
  }

  async #newWorker(): Promise<AnyWorker> {
    const worker = this.#backend.newWorker(QUEUE_NAME, this.#options.lockMs, FETCH_BLOCK_S);
    worker.on("error", (error) => this.#warn(error, "the queue's worker reports an error"));
    try {
      await withDeadline(worker.waitUntilReady(), FETCH_GRACE_MS);
      await worker.startStalledCheckTimer();
      return worker;
    } catch (error) {
      void endWorker(worker);
      throw error;
    }
  }

  async #next(worker: AnyWorker, token: string): Promise<Job<Data> | undefined> {
    const fetching = worker.getNextJob(token) as Promise<Job<Data> | undefined>;
    return withDeadline(
      Promise.race([fetching, this.#stopped]),
      FETCH_BLOCK_S * 1_000 + FETCH_GRACE_MS,
    );
  }

  #track(handling: Promise<void>): void {
    this.#running.add(handling);
    void handling.finally(() => this.#running.delete(handling));
  }

  async #handle(job: Job<Data>, token: string, handler: MessageHandler): Promise<void> {
    const { lockMs } = this.#options;
    const renewal = setInterval(() => {
      job.extendLock(token, lockMs).catch((error) => this.#warn(error, "a task's lock was lost"));
    }, lockMs / 2);
    renewal.unref();
    try {
      await handler({ task: job.name, items: job.data.items });
      // An answer that never comes, after the backend went away, must not hold a place for ever.
      await withDeadline(job.moveToCompleted(undefined, token, false), lockMs);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#warn(failure, `task ${job.name} failed (try ${job.attemptsMade + 1})`);
      // The lock may be gone, or the backend: then the job is handed out again by itself.
      await withDeadline(job.moveToFailed(failure, token, false), lockMs).catch((lost) =>
        this.#warn(lost, "a failed task could not be given back"),
      );
    } finally {
      clearInterval(renewal);
    }
  }

  #warn(error: unknown, message: string): void {
    if (this.#isClosing) return;
    this.#options.log.warn({ err: error }, message);
  }
}

/** BullMQ ends a fetch that blocks only for its own loop; without this one would hold the process for seconds. */
async function endWorker(worker: AnyWorker): Promise<void> {
  const ended = worker.backend.disconnectBlocking().then(() => worker.close(true));
  await withDeadline(ended, WORKER_CLOSE_MS).catch(() => undefined);
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  const controller = new AbortController();
  const late = delay(ms, undefined, { signal: controller.signal }).then(() => {
    throw new Error(`no answer from the queue in ${ms} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    controller.abort();
    late.catch(() => undefined);
    work.catch(() => undefined);
  }
}
