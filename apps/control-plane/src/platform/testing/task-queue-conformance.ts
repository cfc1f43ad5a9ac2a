import { setTimeout as delay } from "node:timers/promises";
import type { TaskItem, TaskMessage, TaskQueue } from "../queue/task-queue.js";

const message = (key: string, over: Partial<TaskMessage> = {}): TaskMessage => ({
  task: "fold-cell",
  items: [{ key, payload: { of: key } }],
  dedupeKey: null,
  ...over,
});

async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("it did not come to pass in time");
    await delay(10);
  }
}

/** What every backend of the TaskQueue must do. `make` gives queues on one and the same store, empty at first. */
export function taskQueueConformance(
  make: (options: { lockMs: number }) => TaskQueue,
  releaseStore: () => Promise<void>,
): void {
  const queues: TaskQueue[] = [];
  const open = async (lockMs = 2_000) => {
    const queue = make({ lockMs });
    queues.push(queue);
    await queue.open();
    return queue;
  };
  afterEach(async () => {
    for (const queue of queues.splice(0)) await queue.close();
  });
  afterAll(releaseStore);

  it("hands each message to one handler, with all its items", async () => {
    const producer = await open();
    const consumers = [await open(), await open()];
    const seen: TaskItem[][] = [];
    for (const consumer of consumers) {
      consumer.consume(async ({ items }) => void seen.push(items), { concurrency: 3 });
    }
    const messages = Array.from({ length: 40 }, (_, n) => message(`k${n}`));
    messages.push(
      message("many", {
        items: [
          { key: "a", payload: 1 },
          { key: "b", payload: {} },
        ],
      }),
    );
    await producer.addBulk(messages);
    await until(() => seen.length === 41);
    await until(async () => (await producer.counts()).active === 0);
    expect(new Set(seen.map((items) => items[0]?.key)).size).toBe(41);
    expect(seen).toContainEqual([
      { key: "a", payload: 1 },
      { key: "b", payload: {} },
    ]);
    expect(await producer.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  });

  it("drops a message whose equal waits, and keeps one that comes while its equal is handled", async () => {
    const queue = await open();
    await queue.addBulk([message("x", { dedupeKey: "x" }), message("x", { dedupeKey: "x" })]);
    await queue.addBulk([message("x", { dedupeKey: "x" }), message("y", { dedupeKey: "y" })]);
    expect((await queue.counts()).waiting).toBe(2);
    const started: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    queue.consume(
      async ({ items }) => {
        const key = items[0]?.key as string;
        started.push(key);
        if (key === "x" && started.filter((k) => k === "x").length === 1) await held;
      },
      { concurrency: 4 },
    );
    await until(() => started.length === 2);
    await queue.addBulk([message("x", { dedupeKey: "x" }), message("x", { dedupeKey: "x" })]);
    await queue.addBulk([message("x", { dedupeKey: "x" })]);
    await delay(200);
    expect(started.filter((key) => key === "x")).toHaveLength(1);
    release();
    await until(() => started.filter((key) => key === "x").length === 2);
    await delay(300);
    expect(started.filter((key) => key === "x")).toHaveLength(2);
    // Free again once all are done.
    await queue.addBulk([message("x", { dedupeKey: "x" })]);
    await until(() => started.filter((key) => key === "x").length === 3);
  });

  it("keeps a delayed message until it is due", async () => {
    const queue = await open();
    const seen: string[] = [];
    queue.consume(async ({ items }) => void seen.push(items[0]?.key as string), { concurrency: 1 });
    await queue.addBulk([message("later", { delayMs: 700 }), message("now")]);
    await until(() => seen.length === 1);
    expect(seen).toEqual(["now"]);
    expect((await queue.counts()).delayed).toBe(1);
    await until(() => seen.length === 2);
    expect(seen).toEqual(["now", "later"]);
  });

  it("hands a message out again when its handler fails", async () => {
    const queue = await open();
    let tries = 0;
    queue.consume(
      async () => {
        tries += 1;
        if (tries === 1) throw new Error("first try");
      },
      { concurrency: 1 },
    );
    await queue.addBulk([message("again")]);
    await until(() => tries === 2);
    await until(async () => (await queue.counts()).active === 0);
    expect((await queue.counts()).failed).toBe(0);
  });

  it("keeps the lock of a handler that takes longer than the lock time", async () => {
    const queue = await open(600);
    const second = await open(600);
    let handled = 0;
    const handler = async () => {
      handled += 1;
      await delay(2_000);
    };
    queue.consume(handler, { concurrency: 1 });
    second.consume(handler, { concurrency: 1 });
    await queue.addBulk([message("slow")]);
    await delay(3_000);
    expect(handled).toBe(1);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
  });

  it("waits for running handlers when it closes, and loses nothing that waits", async () => {
    const queue = await open();
    let ended = 0;
    queue.consume(
      async () => {
        await delay(300);
        ended += 1;
      },
      { concurrency: 1 },
    );
    await queue.addBulk([message("one"), message("two"), message("three")]);
    await until(async () => (await queue.counts()).active === 1);
    await queue.close();
    expect(ended).toBeGreaterThanOrEqual(1);
    const done = ended;
    const next = await open();
    next.consume(async () => void (ended += 1), { concurrency: 1 });
    await until(() => ended === 3);
    expect(done).toBeLessThan(3);
  });
}
