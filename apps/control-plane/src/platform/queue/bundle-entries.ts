import type { TaskMessage } from "./task-queue.js";

export interface RelayedEntry {
  task: string;
  key: string;
  payload: unknown;
}

/**
 * Packs outbox entries, oldest first, into messages: entries of equal task and key become one with the newest payload, and keys of a
 * task that allows batches travel together. Batches are not deduplicated by the queue: their keys were just merged here.
 */
export function bundleEntries(
  entries: readonly RelayedEntry[],
  batchOf: (task: string) => number,
): TaskMessage[] {
  const byTask = new Map<string, Map<string, unknown>>();
  for (const { task, key, payload } of entries) {
    const keys = byTask.get(task) ?? new Map<string, unknown>();
    keys.set(key, payload);
    byTask.set(task, keys);
  }
  const messages: TaskMessage[] = [];
  for (const [task, keys] of byTask) {
    const size = Math.max(1, batchOf(task));
    const items = [...keys].map(([key, payload]) => ({ key, payload }));
    for (let start = 0; start < items.length; start += size) {
      const part = items.slice(start, start + size);
      const [only] = part;
      const dedupeKey = part.length === 1 && only !== undefined ? only.key : null;
      messages.push({ task, items: part, dedupeKey });
    }
  }
  return messages;
}
