import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from "@nestjs/common";
import { DiscoveryService } from "@nestjs/core";
import { Config } from "../config.js";
import { Log } from "../log.js";
import { TASK_METADATA, type TaskDefinition, type TaskHandler } from "./define-task.js";
import { TaskQueue, type TaskItem } from "./task-queue.js";
import { TASKS } from "./tasks.js";

const REOPEN_MS = 2_000;

/** A worker whose background tasks are not those of `tasks.ts`; it must not start. */
export class TaskListError extends Error {
  constructor(faults: string[]) {
    super(`the background tasks are not in order:\n  ${faults.join("\n  ")}`);
    this.name = "TaskListError";
  }
}

interface RegisteredTask {
  definition: TaskDefinition;
  handler: TaskHandler;
}

/** Runs the farm's background tasks in worker processes: finds their handlers, opens the queue when it can be had, consumes it. */
@Injectable()
export class TaskRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #discovery: DiscoveryService;
  readonly #queue: TaskQueue;
  readonly #config: Config;
  readonly #log: Log;
  #tasks = new Map<string, RegisteredTask>();
  #retry: NodeJS.Timeout | undefined;
  #isClosing = false;
  #isOpen = false;
  /** Told of every message that was handled. */
  onHandled: (task: string, outcome: "done" | "failed") => void = () => undefined;

  constructor(discovery: DiscoveryService, queue: TaskQueue, config: Config, log: Log) {
    this.#discovery = discovery;
    this.#queue = queue;
    this.#config = config;
    this.#log = log;
  }

  /** Whether the queue is open: tasks are taken and the relay may add. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Finds the handlers. Throws TaskListError unless each name of `tasks.ts` has exactly one; `partial` allows names without. */
  check(options: { partial?: boolean } = {}): void {
    const found = new Map<string, RegisteredTask[]>();
    for (const { metatype, instance } of this.#discovery.getProviders()) {
      if (typeof metatype !== "function" || !instance) continue;
      const definition = Reflect.getMetadata(TASK_METADATA, metatype) as TaskDefinition | undefined;
      if (definition === undefined) continue;
      const same = found.get(definition.name) ?? [];
      same.push({ definition, handler: instance as TaskHandler });
      found.set(definition.name, same);
    }
    const faults: string[] = [];
    for (const name of TASKS) {
      if (!found.has(name) && options.partial !== true) faults.push(`${name} has no handler`);
    }
    for (const [name, handlers] of found) {
      if (!(TASKS as readonly string[]).includes(name)) faults.push(`${name} is not in tasks.ts`);
      if (handlers.length > 1) faults.push(`${name} has ${handlers.length} handlers`);
    }
    if (faults.length > 0) throw new TaskListError(faults);
    this.#tasks = new Map([...found].map(([name, [task]]) => [name, task as RegisteredTask]));
  }

  /** How many keys of a task may travel in one message. */
  batchOf(task: string): number {
    return this.#tasks.get(task)?.definition.batch ?? 1;
  }

  onApplicationBootstrap(): void {
    // The HTTP side must not wait for the queue's backend.
    if (this.#config.role !== "api") void this.#open();
  }

  async #open(): Promise<void> {
    try {
      await this.#queue.open();
    } catch (error) {
      if (this.#isClosing) return;
      this.#log.pino.error({ err: error }, "the task queue cannot be reached; trying again");
      this.#retry = setTimeout(() => void this.#open(), REOPEN_MS);
      return;
    }
    if (this.#isClosing) return;
    this.#queue.consume(({ task, items }) => this.#observed(task, items), {
      concurrency: this.#config.taskConcurrency,
    });
    this.#isOpen = true;
  }

  async #observed(task: string, items: readonly TaskItem[]): Promise<void> {
    try {
      await this.handle(task, items);
      this.onHandled(task, "done");
    } catch (error) {
      this.onHandled(task, "failed");
      throw error;
    }
  }

  /**
   * Runs the items of one message. An item of several that fails is queued again alone, so that it holds up none of the others; a
   * single one that fails rejects, and the queue brings it back.
   */
  async handle(task: string, items: readonly TaskItem[]): Promise<void> {
    const registered = this.#tasks.get(task);
    if (registered === undefined) {
      throw new Error(`no handler for the task ${task}: this worker is older than the farm`);
    }
    const parsed = items.map(({ key, payload }) => ({
      key,
      payload: registered.definition.payload.parse(payload),
    }));
    const [only] = parsed;
    if (only !== undefined && parsed.length === 1) {
      return registered.handler.run(only.payload, { key: only.key });
    }
    if (registered.handler.runMany !== undefined) {
      try {
        return await registered.handler.runMany(parsed);
      } catch (error) {
        this.#log.pino.warn({ err: error, task }, "a batch failed; its items run one by one");
      }
    }
    for (const { key, payload } of parsed) {
      try {
        await registered.handler.run(payload, { key });
      } catch (error) {
        this.#log.pino.warn({ err: error, task, key }, "a task of a batch failed");
        await this.#queue.addBulk([
          { task, items: [{ key, payload }], dedupeKey: key, delayMs: 1_000 },
        ]);
      }
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#retry);
    this.#isOpen = false;
    if (this.#config.role !== "api") await this.#queue.close();
  }
}
