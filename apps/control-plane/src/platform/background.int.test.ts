import { Controller, Get, Module, type DynamicModule } from "@nestjs/common";
import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import { z } from "zod";
import { OrgModule } from "../org/org.module.js";
import { loadConfig, type Config } from "./config.js";
import { Database } from "./database/database.js";
import { Notifications } from "./database/notifications.js";
import { createApp } from "./http/create-app.js";
import { OpenPage } from "./http/call.js";
import { enqueue, enqueueMany } from "./outbox.store.js";
import { PlatformModule } from "./platform.module.js";
import { BackgroundTask, type TaskHandler } from "./queue/define-task.js";
import { TaskQueue } from "./queue/task-queue.js";
import { TaskRunner } from "./queue/task-runner.js";
import { Periodic } from "./schedule.js";
import { createFarmDatabase } from "./testing/test-farm.js";
import { Wake } from "./wake.js";

const folded: string[][] = [];
const settled: { key: string; payload: unknown }[] = [];

@BackgroundTask({ name: "fold-cell", payload: z.object({}), batch: 3 })
class FoldTask implements TaskHandler {
  async run(_: unknown, { key }: { key: string }): Promise<void> {
    if (key === "poison" && folded.filter(([k]) => k === "poison").length < 2) {
      folded.push([key]);
      throw new Error("poison");
    }
    folded.push([key]);
  }
  async runMany(items: { key: string }[]): Promise<void> {
    if (items.some((item) => item.key === "poison")) throw new Error("poison among them");
    folded.push(items.map((item) => item.key));
  }
}

@BackgroundTask({ name: "settle-sweep", payload: z.object({ n: z.number() }) })
class SettleTask implements TaskHandler {
  async run(payload: unknown, { key }: { key: string }): Promise<void> {
    settled.push({ key, payload });
  }
}

@Module({ providers: [FoldTask, SettleTask] })
class TasksModule {}

@BackgroundTask({ name: "fold-cell", payload: z.object({}) })
class SecondFoldTask implements TaskHandler {
  async run(): Promise<void> {}
}

@Module({ providers: [SecondFoldTask] })
class SecondModule {}

@Controller()
class OpenController {
  @Get("/nobody-said-who")
  async read(): Promise<string> {
    return "anything";
  }
}

@Controller()
class PageController {
  @Get("/page")
  @OpenPage()
  async read(): Promise<string> {
    return "a page";
  }
}

@Module({ controllers: [OpenController] })
class OpenModule {}

@Module({ controllers: [PageController] })
class PageModule {}

const until = async (condition: () => boolean | Promise<boolean>, ms = 8_000) => {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("it did not come to pass in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe("background work", () => {
  let farm: { url: string; drop(): Promise<void> };
  const apps: NestFastifyApplication[] = [];
  const boot = async (imports: DynamicModule["imports"], env: Record<string, string> = {}) => {
    const config: Config = loadConfig({
      DATABASE_URL: farm.url,
      BENCHFARM_LOG_LEVEL: "silent",
      BENCHFARM_RELAY_MS: "20",
      BENCHFARM_DATABASE_CONNECTIONS: "4",
      ...env,
    });
    class Root {}
    const root = {
      module: Root,
      imports: [PlatformModule.withConfig(config), OrgModule, ...(imports ?? [])],
    };
    const app = await createApp(root, { partialRouteTable: true });
    apps.push(app);
    return app;
  };
  beforeAll(async () => {
    farm = await createFarmDatabase();
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });
  afterAll(() => farm.drop());

  it("runs tasks of committed changes, batched and merged, and none of those rolled back", async () => {
    const app = await boot([TasksModule]);
    const database = app.get(Database);
    await until(() => app.get(TaskRunner).isOpen);
    const rolledBack = database.inTransaction(async (tx) => {
      await enqueue(tx, { task: "settle-sweep", key: "never", payload: { n: 0 } });
      throw new Error("no");
    });
    await expect(rolledBack).rejects.toThrow("no");
    await database.inTransaction((tx) =>
      enqueueMany(tx, [
        ...["a", "b", "a", "c", "d"].map((key) => ({ task: "fold-cell" as const, key })),
        { task: "settle-sweep", key: "s", payload: { n: 1 } },
        { task: "settle-sweep", key: "s", payload: { n: 2 } },
        { task: "settle-sweep", key: "late", payload: { n: 3 }, delayMs: 600 },
      ]),
    );
    await until(() => folded.flat().length === 4 && settled.length === 1);
    expect(folded).toContainEqual(["a", "b", "c"]);
    expect(folded).toContainEqual(["d"]);
    expect(settled).toEqual([{ key: "s", payload: { n: 2 } }]);
    await until(() => settled.length === 2);
    expect(settled[1]).toEqual({ key: "late", payload: { n: 3 } });
    await until(async () => (await database.prisma.outbox.count()) === 0);
  });

  it("retries a failing key of a batch alone", async () => {
    folded.length = 0;
    const app = await boot([TasksModule]);
    await app.get(Database).inTransaction((tx) =>
      enqueueMany(
        tx,
        ["p", "poison", "q"].map((key) => ({ task: "fold-cell", key })),
      ),
    );
    await until(() => folded.filter(([key]) => key === "poison").length === 3, 15_000);
    expect(folded.filter(([key]) => key === "p" || key === "q")).toHaveLength(2);
    await until(async () => (await app.get(TaskQueue).counts()).active === 0);
    expect(await app.get(TaskQueue).counts()).toMatchObject({ waiting: 0, delayed: 0, failed: 0 });
  });

  it("goes on when the database cuts the queue's connections", async () => {
    const app = await boot([TasksModule], { BENCHFARM_TASK_LOCK_MS: "1000" });
    const database = app.get(Database);
    await until(() => app.get(TaskRunner).isOpen);
    const cut = async () =>
      database.pool.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
    for (const round of [1, 2]) {
      folded.length = 0;
      await cut();
      await database.inTransaction((tx) =>
        enqueueMany(
          tx,
          ["u", "v", "w", "x"].map((key) => ({ task: "fold-cell", key: `${key}${round}` })),
        ),
      );
      await until(() => new Set(folded.flat()).size === 4, 20_000);
    }
  }, 60_000);

  const redisUrl = process.env["BENCHFARM_TEST_REDIS_URL"];
  const itOnRedis = redisUrl === undefined ? it.skip : it;
  itOnRedis("runs tasks through Redis when the settings name one", async () => {
    folded.length = 0;
    const app = await boot([TasksModule], {
      REDIS_URL: redisUrl as string,
      BENCHFARM_QUEUE_PREFIX: `test-${process.pid}`,
    });
    await app.get(Database).inTransaction((tx) => enqueue(tx, { task: "fold-cell", key: "redis" }));
    await until(() => folded.flat().includes("redis"));
  });

  it("answers as api without the queue, and leaves the outbox to workers", async () => {
    const app = await boot([], { BENCHFARM_ROLE: "api", REDIS_URL: "redis://127.0.0.1:1" });
    await app.get(Database).inTransaction((tx) => enqueue(tx, { task: "fold-cell", key: "w" }));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await app.get(Database).prisma.outbox.count()).toBe(1);
    const all = await boot([TasksModule], { REDIS_URL: "redis://127.0.0.1:1" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(all.get(TaskRunner).isOpen).toBe(false);
    expect(await app.get(Database).prisma.outbox.count()).toBe(1);
    await boot([TasksModule]);
    await until(async () => (await app.get(Database).prisma.outbox.count()) === 0);
  });

  it("refuses to start with a task that has two handlers or none", async () => {
    await expect(boot([TasksModule, SecondModule])).rejects.toThrow("fold-cell has 2 handlers");
    const config = loadConfig({ DATABASE_URL: farm.url, BENCHFARM_LOG_LEVEL: "silent" });
    class Root {}
    const root = {
      module: Root,
      imports: [PlatformModule.withConfig(config), OrgModule, TasksModule],
    };
    await expect(createApp(root)).rejects.toThrow("has no handler");
  });

  it("refuses to start with a route that does not say who may call it", async () => {
    await expect(boot([OpenModule])).rejects.toThrow(
      "OpenController.read does not say who may call it",
    );
    await boot([PageModule]);
  });

  it("runs periodic work in one process at a time, and in another when that ends", async () => {
    const ran: string[] = [];
    const first = await boot([]);
    const second = await boot([]);
    first.get(Periodic).register("test", 20, async () => void ran.push("first"));
    await until(() => ran.length >= 2);
    second.get(Periodic).register("test", 20, async () => void ran.push("second"));
    const seen = ran.length;
    await until(() => ran.length >= seen + 5);
    expect(new Set(ran)).toEqual(new Set(["first"]));
    await first.close();
    await until(() => ran.includes("second"));
  });

  it("wakes listeners in every process when the transaction commits, once per key", async () => {
    const one = await boot([], { BENCHFARM_ROLE: "api" });
    const two = await boot([], { BENCHFARM_ROLE: "api" });
    const heard: string[] = [];
    one.get(Wake).subscribe((key) => heard.push(`one ${key}`));
    const stop = two.get(Wake).subscribe((key) => heard.push(`two ${key}`));
    await one.get(Notifications).ready();
    await two.get(Notifications).ready();
    const database = one.get(Database);
    await database.inTransaction(async (tx) => {
      await one.get(Wake).publish(tx, ["k1", "k1", "k2"]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(heard).toEqual([]);
    });
    await until(() => heard.length === 4);
    expect(heard.sort()).toEqual(["one k1", "one k2", "two k1", "two k2"]);
    stop();
    await database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'benchfarm-listen' and datname = current_database()",
    );
    await until(async () => {
      await database.inTransaction((tx) => one.get(Wake).publish(tx, ["again"]));
      return heard.includes("one again");
    });
    expect(heard).not.toContain("two again");
  });
});
