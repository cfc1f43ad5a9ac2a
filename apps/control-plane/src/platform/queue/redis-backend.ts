import { createRedisBackend, withBackend } from "bullmq";
import { Redis } from "ioredis";
import type { BullBackend } from "./bull-task-queue.js";

/** BullMQ on a Redis of 6.2 or newer, which must not evict (`maxmemory-policy noeviction`) and should keep an append-only file. */
export function redisBackend(redisUrl: string, prefix: string): BullBackend {
  const connections: Redis[] = [];
  const address = redisUrl.replace(/^unix:\/\//, "");
  const connect = (enableOfflineQueue: boolean): Redis => {
    const redis = new Redis(address, { maxRetriesPerRequest: null, enableOfflineQueue });
    // Each failing command says so itself.
    redis.on("error", () => undefined);
    connections.push(redis);
    return redis;
  };
  const classes = withBackend(createRedisBackend);
  let forQueue: Redis | undefined;
  return {
    async prepare() {
      // Fails fast when Redis is away, instead of queueing commands in memory.
      forQueue ??= connect(false);
      await ready(forQueue);
      await forQueue.ping();
    },
    newQueue: (name) =>
      new classes.Queue(name, {
        connection: forQueue as Redis,
        prefix,
        skipVersionCheck: false,
      }) as never,
    newWorker: (name, lockMs, fetchBlockS) =>
      new classes.Worker(name, null, {
        connection: connect(true),
        prefix,
        autorun: false,
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        maxStalledCount: 10,
        drainDelay: fetchBlockS,
      }) as never,
    async close() {
      for (const redis of connections) redis.disconnect();
    },
  };
}

async function ready(redis: Redis): Promise<void> {
  if (redis.status === "ready") return;
  await new Promise<void>((resolve, reject) => {
    const onReady = () => {
      redis.off("error", onError);
      resolve();
    };
    const onError = (error: Error) => {
      redis.off("ready", onReady);
      reject(error);
    };
    redis.once("ready", onReady);
    redis.once("error", onError);
  });
}
