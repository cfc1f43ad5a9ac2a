import type { Logger } from "pino";
import { BullTaskQueue } from "./bull-task-queue.js";
import { postgresBackend } from "./postgres-backend.js";
import { redisBackend } from "./redis-backend.js";
import type { TaskQueue } from "./task-queue.js";

export interface TaskQueueSettings {
  databaseUrl: string;
  /** Null: the queue lives in the database. */
  redisUrl: string | null;
  /** Keeps farms apart that share a Redis. */
  prefix: string;
  lockMs: number;
}

/** The task queue that the settings ask for, not yet open. */
export function makeTaskQueue(settings: TaskQueueSettings, log: Logger): TaskQueue {
  const backend =
    settings.redisUrl === null
      ? postgresBackend(settings.databaseUrl)
      : redisBackend(settings.redisUrl, settings.prefix);
  return new BullTaskQueue(backend, { lockMs: settings.lockMs, log });
}
