#!/usr/bin/env node
/**
 * Stands in for Prisma's native schema engine, which is not in any npm package and would be downloaded.
 *
 * The prisma command line talks to its engine in two ways, and both are served here from
 * @prisma/schema-engine-wasm (the same engine, compiled to WebAssembly) over @prisma/adapter-pg:
 *
 * - `schema-engine cli <create-database|drop-database|can-connect-to-database>`: one action; failures are a JSON log
 *   line on stderr that carries a Prisma error code, and exit code 1.
 * - otherwise JSON-RPC 2.0, one message a line on stdin and stdout; logs are JSON lines on stderr.
 *
 * Limits: PostgreSQL only. `generate --sql` and `db execute` of several statements need the native engine.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import { parse } from "pg-connection-string";

/** The database that exists on every server and is connected to in order to make or drop others. */
const MAINTENANCE_DATABASE = "postgres";
/** JSON-RPC code and id that the native engine uses for "a known error" and for its own requests. */
const KNOWN_ERROR = 4466;
const PRINT_REQUEST_ID = 1_000_000;
/** OIDs of pg_type: "char" is one byte and unknown to the adapter, bpchar is what it can read. */
const CHAR_OID = 18;
const BPCHAR_OID = 1042;

const PRISMA_CODE_BY_FAILURE = {
  "3D000": "P1003",
  "28P01": "P1000",
  "42P04": "P1009",
  ECONNREFUSED: "P1001",
  ENOENT: "P1001",
  ENOTFOUND: "P1001",
  ETIMEDOUT: "P1002",
};

const argv = process.argv.slice(2);

function optionValues(name) {
  return argv.flatMap((argument, index) => (argument === name ? [argv[index + 1]] : []));
}

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function log(level, message, fields = {}) {
  const entry = { level, fields: { message, ...fields }, target: "schema_engine::logger" };
  process.stderr.write(`${JSON.stringify(entry)}\n`);
}

async function loadEngine() {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve("@prisma/schema-engine-wasm"));
  globalThis.PRISMA_WASM_PANIC_REGISTRY = {
    message: "",
    get() {
      return this.message;
    },
    set_message(message) {
      this.message = message;
    },
  };
  const { instance } = await WebAssembly.instantiate(
    readFileSync(join(folder, "schema_engine_bg.wasm")),
    { "./schema_engine_bg.js": bindings },
  );
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

function connectionSettings() {
  const url = JSON.parse(optionValues("--datasource")[0] ?? "{}").url ?? process.env.DATABASE_URL;
  if (!url) throw new Error("no database URL: set DATABASE_URL");
  // A connection string would win over `database`, so it is taken apart: the shadow database needs another name.
  const { schema, ...rest } = parse(url);
  const connection = {
    ...rest,
    host: rest.host || undefined,
    port: rest.port ? Number(rest.port) : undefined,
  };
  return { connection, schema };
}

function quoteName(name) {
  return `"${name.replaceAll('"', '""')}"`;
}

async function runSql(connection, database, sql) {
  const client = new pg.Client({ ...connection, database });
  await client.connect();
  try {
    if (sql) await client.query(sql);
  } finally {
    await client.end();
  }
}

function dropDatabase(connection, name) {
  const sql = `DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE)`;
  return runSql(connection, MAINTENANCE_DATABASE, sql);
}

async function runCliCommand(command, { connection }) {
  switch (command) {
    case "create-database":
      return runSql(
        connection,
        MAINTENANCE_DATABASE,
        `CREATE DATABASE ${quoteName(connection.database)}`,
      );
    case "drop-database":
      return dropDatabase(connection, connection.database);
    case "can-connect-to-database":
      return runSql(connection, connection.database);
    default:
      throw new Error(`unknown command "${command}"`);
  }
}

/**
 * Fills three gaps of the adapter that only migrations meet: columns of type "char" cannot be read, scripts are split
 * at every semicolon (so function bodies break), and transactions are adapters of their own.
 */
function completeAdapter(adapter) {
  const performIO = adapter.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);
  let charColumns = [];
  adapter.performIO = async (query) => {
    const result = await performIO(query);
    charColumns = result.fields.flatMap(({ dataTypeID }, index) =>
      dataTypeID === CHAR_OID ? [index] : [],
    );
    for (const index of charColumns) result.fields[index].dataTypeID = BPCHAR_OID;
    return result;
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of charColumns) {
      result.columnTypes[index] = ColumnTypeEnum.Character;
      for (const row of result.rows) row[index] ||= "\0";
    }
    return result;
  };
  if (adapter.executeScript) {
    adapter.executeScript = async (script) => {
      try {
        await adapter.client.query(script);
      } catch (error) {
        adapter.onError(error);
      }
    };
  }
  if (adapter.startTransaction) {
    const startTransaction = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (isolationLevel) =>
      completeAdapter(await startTransaction(isolationLevel));
  }
  return adapter;
}

function adapterFactory({ connection, schema }) {
  const open = async (database) => {
    const factory = new PrismaPg({ ...connection, database, max: 1 }, { schema });
    return completeAdapter(await factory.connect());
  };
  return bindMigrationAwareSqlAdapterFactory({
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    connect: () => open(connection.database),
    connectToShadowDb: async () => {
      const name = `prisma_migrate_shadow_db_${randomUUID()}`;
      await runSql(connection, MAINTENANCE_DATABASE, `CREATE DATABASE ${quoteName(name)}`);
      const adapter = await open(name);
      const dispose = adapter.dispose.bind(adapter);
      adapter.dispose = async () => {
        await dispose();
        await dropDatabase(connection, name);
      };
      return adapter;
    },
  });
}

/**
 * Serves comparisons of files with each other, for which no server need run. The engine asks for a server's version
 * when it is made, whatever it is made for; anything more is a broken promise.
 */
function serverlessFactory() {
  const answer = {
    columnNames: ["exists", "version", "numeric_version"],
    columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
    rows: [[true, "PostgreSQL 18.0 (no server)", 180_000]],
  };
  const refuse = async () => {
    throw new Error("this comparison needs a database: set DATABASE_URL");
  };
  const adapter = {
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    queryRaw: async ({ sql }) => (sql.includes("server_version_num") ? answer : refuse()),
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    dispose: async () => {},
  };
  return bindMigrationAwareSqlAdapterFactory({
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    connect: async () => adapter,
    connectToShadowDb: refuse,
  });
}

const FILE_TARGETS = ["empty", "schemaDatamodel"];

function comparesFilesOnly(method, params) {
  return (
    method === "diff" &&
    FILE_TARGETS.includes(params.from?.tag) &&
    FILE_TARGETS.includes(params.to?.tag)
  );
}

function knownError(error) {
  const message = String(error?.message ?? error);
  return {
    code: KNOWN_ERROR,
    message,
    data: { is_panic: false, message, error_code: error?.code, meta: error?.meta ?? {} },
  };
}

async function serve() {
  const datamodels = optionValues("--datamodels").map((path) => [path, readFileSync(path, "utf8")]);
  const options = datamodels.length > 0 ? { datamodels } : {};
  let engine;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    const { id, method, params } = JSON.parse(line);
    // Answers to our own print requests come back without a method.
    if (!method) continue;
    try {
      engine ??= await bindings.SchemaEngine.new(
        options,
        () => {},
        comparesFilesOnly(method, params)
          ? serverlessFactory()
          : adapterFactory(connectionSettings()),
      );
      const call = method === "getDatabaseVersion" ? "version" : method;
      const result = await engine[call](params);
      if (method === "diff" && result.stdout) {
        send({ id: PRINT_REQUEST_ID, method: "print", params: { content: result.stdout } });
      }
      send({ id, result: result ?? {} });
    } catch (error) {
      send({ id, error: knownError(error) });
    }
  }
}

await loadEngine();
if (argv.includes("--version")) {
  process.stdout.write(`schema-engine-cli wasm-${bindings.version()}\n`);
} else if (argv.includes("cli")) {
  // The command line drops the first line of stderr.
  log("INFO", "starting");
  try {
    await runCliCommand(argv[argv.indexOf("cli") + 1], connectionSettings());
  } catch (error) {
    log("ERROR", error.message || error.code, { error_code: PRISMA_CODE_BY_FAILURE[error.code] });
    process.exitCode = 1;
  }
} else {
  await serve();
}
process.exit();
