import { randomUUID } from "node:crypto";
import { createTestDatabase } from "@benchfarm/embedded-postgres";
import { Redis } from "ioredis";
import { pino } from "pino";
import { taskQueueConformance } from "../testing/task-queue-conformance.js";
import { makeTaskQueue } from "./open-task-queue.js";

const log = pino({ level: process.env["BENCHFARM_LOG_LEVEL"] ?? "silent" });

describe("TaskQueue on BullMQ's PostgreSQL backend", () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  beforeAll(async () => {
    database = await createTestDatabase(process.env["BENCHFARM_TEST_DATABASE_URL"] as string);
  });
  taskQueueConformance(
    ({ lockMs }) =>
      makeTaskQueue({ databaseUrl: database.url, redisUrl: null, prefix: "test", lockMs }, log),
    () => database.drop(),
  );
});

const redisUrl = process.env["BENCHFARM_TEST_REDIS_URL"];
const describeOnRedis = redisUrl === undefined ? describe.skip : describe;

describeOnRedis(
  `TaskQueue on BullMQ's Redis backend${redisUrl === undefined ? " (no Redis: BENCHFARM_TEST_REDIS_URL is not set)" : ""}`,
  () => {
    const prefix = `test-${randomUUID()}`;
    taskQueueConformance(
      ({ lockMs }) =>
        makeTaskQueue(
          { databaseUrl: "postgresql://unused", redisUrl: redisUrl as string, prefix, lockMs },
          log,
        ),
      async () => {
        const redis = new Redis(redisUrl as string);
        const keys = await redis.keys(`${prefix}:*`);
        if (keys.length > 0) await redis.del(...keys);
        redis.disconnect();
      },
    );
  },
);
