import { Prisma, type SqlTx } from "./database/database.js";
import type { TaskName } from "./queue/tasks.js";

/** A background task that must follow the change of this transaction. */
export interface OutboxEntry {
  task: TaskName;
  /** What the task is about; equal keys that wait together become one task with the newest payload. */
  key: string;
  payload?: Prisma.InputJsonObject;
  delayMs?: number;
}

/**
 * Asks for a task in the transaction of the change that it follows: committed together or not at all, relayed to the queue within
 * about a quarter of a second. No NOTIFY: it would serialise all commits of the farm behind one lock.
 */
export async function enqueue(tx: SqlTx, entry: OutboxEntry): Promise<void> {
  await enqueueMany(tx, [entry]);
}

/** As `enqueue`, with one statement. */
export async function enqueueMany(tx: SqlTx, entries: OutboxEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await tx.$executeRaw(Prisma.sql`
    insert into outbox (task, key, payload, not_before)
    select task, key, payload, clock_timestamp() + delay_ms * interval '1 millisecond'
    from unnest(
      ${entries.map((e) => e.task)}::text[], ${entries.map((e) => e.key)}::text[],
      ${entries.map((e) => JSON.stringify(e.payload ?? {}))}::jsonb[],
      ${entries.map((e) => e.delayMs ?? 0)}::float8[]) as entry (task, key, payload, delay_ms)`);
}
