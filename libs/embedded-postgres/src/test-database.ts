import { randomUUID } from "node:crypto";

import pg from "pg";

import { quoteName, withDatabase } from "./database-url.js";

/** Runs one piece of work on a fresh connection and always closes it. */
async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Database errors that mean "somebody else has just made it": duplicate_database, unique_violation. */
const MADE_MEANWHILE = new Set(["42P04", "23505"]);

/**
 * Makes database `name` on the server of `url` unless it is there, and returns its URL. Safe to call from several
 * processes at once.
 */
export async function ensureDatabase(url: string, name: string): Promise<string> {
  await withClient(url, async (client) => {
    const there = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (there.rowCount !== 0) return;
    try {
      await client.query(`create database ${quoteName(name)}`);
    } catch (error) {
      if (!MADE_MEANWHILE.has((error as { code?: string }).code ?? "")) throw error;
    }
  });
  return withDatabase(url, name);
}

/**
 * Makes a template for test databases once per server: `prepare` (migrations, usually) runs on a fresh database that
 * is then closed to connections. Put what `prepare` depends on into `name` (a digest of the migrations), so that a
 * change makes a new template. Safe to call from several processes at once: the others wait. Returns `name`.
 */
export async function ensureTemplateDatabase(
  url: string,
  name: string,
  prepare: (databaseUrl: string) => Promise<void>,
): Promise<string> {
  await withClient(url, async (client) => {
    await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [`template ${name}`]);
    const there = await client.query<{ ready: boolean }>(
      "select datistemplate as ready from pg_database where datname = $1",
      [name],
    );
    if (there.rows[0]?.ready) return;
    // Not marked ready: its maker was killed half way.
    await client.query(`drop database if exists ${quoteName(name)} with (force)`);
    await client.query(`create database ${quoteName(name)}`);
    await prepare(withDatabase(url, name));
    await client.query(
      `alter database ${quoteName(name)} with is_template true allow_connections false`,
    );
  });
  return name;
}

export interface TestDatabase {
  url: string;
  /** Drops the database, closing connections that a test left open. */
  drop(): Promise<void>;
}

/**
 * Makes a database of its own for one test file, empty or as a copy of `template` (see `ensureTemplateDatabase`).
 * `serverUrl` may name any database of the server.
 */
export async function createTestDatabase(
  serverUrl: string,
  options: { template?: string } = {},
): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const from = quoteName(options.template ?? "template0");
  await withClient(serverUrl, (client) =>
    client.query(`create database ${quoteName(name)} template ${from}`),
  );
  return {
    url: withDatabase(serverUrl, name),
    drop: () =>
      withClient(serverUrl, async (client) => {
        await client.query(`drop database if exists ${quoteName(name)} with (force)`);
      }),
  };
}
