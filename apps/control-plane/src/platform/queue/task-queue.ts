/** One thing to do: what it is about, and what the handler is given. */
export interface TaskItem {
  key: string;
  payload: unknown;
}

/** What travels through the queue: one or more items of one task. */
export interface TaskMessage {
  task: string;
  items: readonly TaskItem[];
  /**
   * A message whose task and `dedupeKey` equal those of one that waits is dropped; one that comes while its equal is being handled
   * is handled after it, and of several such only the last. Null: never dropped.
   */
  dedupeKey: string | null;
  delayMs?: number;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  /** Gave up after all tries; kept a week for whoever looks. */
  failed: number;
}

export interface ConsumeOptions {
  /** How many messages are handled at once. */
  concurrency: number;
}

/** Handles one message; a rejection makes it come again later, with growing pauses. */
export type MessageHandler = (message: { task: string; items: TaskItem[] }) => Promise<void>;

/**
 * Background work between processes, at least once. What is lost here costs time only: PostgreSQL's own rows say what is to be done.
 * Only worker processes open it.
 */
export abstract class TaskQueue {
  /** Connects and makes what the backend needs; safe to repeat and to run beside itself. Rejects while the backend is away. */
  abstract open(): Promise<void>;
  /** Adds messages with one round trip, in order. */
  abstract addBulk(messages: readonly TaskMessage[]): Promise<void>;
  /** Starts handling messages until `close`. A message whose process died is handed out again after the lock time. */
  abstract consume(handler: MessageHandler, options: ConsumeOptions): void;
  abstract counts(): Promise<QueueCounts>;
  /** Stops fetching, waits for running handlers (8 s at most), disconnects. Safe to repeat. */
  abstract close(): Promise<void>;
}
