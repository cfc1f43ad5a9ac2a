import { setTimeout as delay } from "node:timers/promises";
import {
  createPostgresBackend,
  runMigrations,
  withBackend,
  type PostgresConnectionOptions,
} from "bullmq";
import pg from "pg";
import type { BullBackend } from "./bull-task-queue.js";

/** BullMQ's schema in the farm's database. */
const SCHEMA = "bullmq";
const CONNECTIONS = 6;
const CLOSE_MS = 500;

/** BullMQ on the farm's own PostgreSQL, in a schema and with a pool of its own. */
export function postgresBackend(databaseUrl: string): BullBackend {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: CONNECTIONS,
    keepAlive: true,
    application_name: "benchfarm-queue",
    // BullMQ's statements name no schema.
    options: `-c search_path=${SCHEMA}`,
  });
  // Broken connections are replaced; the query that meets one fails and is tried again.
  pool.on("error", () => undefined);
  const clients = new Set<pg.PoolClient>();
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
    clients.add(client);
  });
  pool.on("remove", (client) => clients.delete(client));
  const classes = withBackend(createPostgresBackend);
  // BullMQ's own description of a pool knows fewer overloads than pg's.
  const connection = pool as unknown as PostgresConnectionOptions;
  return {
    async prepare() {
      const client = await pool.connect();
      try {
        await runMigrations(client, SCHEMA);
      } finally {
        client.release();
      }
    },
    newQueue: (name) => new classes.Queue(name, { connection }) as never,
    newWorker: (name, lockMs, fetchBlockS) =>
      new classes.Worker(name, null, {
        connection,
        autorun: false,
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        maxStalledCount: 10,
        drainDelay: fetchBlockS,
      }) as never,
    async close() {
      await Promise.race([pool.end(), delay(CLOSE_MS, undefined, { ref: false })]);
      // A worker that listens again while it is closed keeps its connection lent out.
      await Promise.all([...clients].map((client) => endClient(client)));
    },
  };
}

async function endClient(client: pg.PoolClient): Promise<void> {
  await (client as unknown as pg.Client).end().catch(() => undefined);
}
