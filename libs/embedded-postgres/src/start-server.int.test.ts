import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";

import pg from "pg";

import { createTestDatabase, ensureDatabase, ensureTemplateDatabase } from "./test-database.js";
import { readPostmasterNote } from "./data-folder.js";
import { startEmbeddedPostgres, stopAbandonedServer } from "./start-server.js";
import type { EmbeddedPostgres } from "./start-server.js";

jest.setTimeout(120_000);

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("embedded PostgreSQL", () => {
  let root: string;
  let running: EmbeddedPostgres[] = [];

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "benchfarm-pg-test-"));
    chmodSync(root, 0o755);
  });
  afterEach(async () => {
    for (const server of running) await server.stop();
    running = [];
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function start(name: string): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ dataDir: join(root, name) });
    running.push(server);
    return server;
  }

  test("makes a folder, answers, stops, and has the data again", async () => {
    const first = await start("plain");
    expect(first.adopted).toBe(false);
    expect(first.url).toMatch(/^postgresql:\/\/app@localhost\/postgres\?host=/);
    const url = await ensureDatabase(first.url, "benchfarm");
    expect(await ensureDatabase(first.url, "benchfarm")).toBe(url);
    await query(url, "create table kept as select 42 as answer");
    expect(await first.stop()).toBe("stopped");
    expect(existsSync(join(root, "plain", "postmaster.pid"))).toBe(false);

    const second = await start("plain");
    expect(second.adopted).toBe(false);
    expect(await query(url, "select answer from kept")).toEqual([{ answer: 42 }]);
    const [settings] = await query(
      second.url,
      "select current_setting('max_connections') as connections, current_setting('synchronous_commit') as commits, current_setting('fsync') as fsync",
    );
    expect(settings).toEqual({ connections: "200", commits: "on", fsync: "on" });
  });

  test("a second start adopts the server, and only the last stop ends it", async () => {
    const first = await start("adopted");
    const second = await start("adopted");
    expect(second).toMatchObject({ adopted: true, pid: first.pid, url: first.url });
    expect(await first.stop()).toBe("left_running");
    expect(await query(second.url, "select 1 as one")).toEqual([{ one: 1 }]);
    expect(await second.stop()).toBe("stopped");
  });

  test("starts made at the same moment share one server", async () => {
    const servers = await Promise.all([start("raced"), start("raced"), start("raced")]);
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
  });

  test("recovers every acknowledged row after kill -9 of the server", async () => {
    const first = await start("killed");
    await query(first.url, "create table acknowledged (n int)");
    await query(first.url, "insert into acknowledged select generate_series(1, 1000)");
    process.kill(first.pid, "SIGKILL");
    const second = await start("killed");
    expect(second).toMatchObject({ adopted: false });
    expect(await query(second.url, "select count(*)::int as n from acknowledged")).toEqual([
      { n: 1000 },
    ]);
  });

  test("starts although another program got the pid of a killed server", async () => {
    const first = await start("reused-pid");
    process.kill(first.pid, "SIGKILL");
    const path = join(root, "reused-pid", "postmaster.pid");
    const [, ...rest] = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, [process.pid, ...rest].join("\n"));
    const second = await start("reused-pid");
    expect(await query(second.url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("a path too long for a socket works", async () => {
    const server = await start("long-".repeat(24));
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("a folder closed to other users works", async () => {
    mkdirSync(join(root, "closed"), { mode: 0o700 });
    const server = await start("closed/data");
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await query(server.url, "checkpoint");
  });

  test("refuses a folder of another major version or of something else, and leaves it alone", async () => {
    const other = join(root, "other-major");
    mkdirSync(other);
    writeFileSync(join(other, "PG_VERSION"), "15\n");
    await expect(startEmbeddedPostgres({ dataDir: other })).rejects.toMatchObject({
      code: "data_folder_other_major",
      message: expect.stringContaining("PostgreSQL 15"),
    });
    const foreign = join(root, "foreign");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "thesis.txt"), "precious");
    await expect(startEmbeddedPostgres({ dataDir: foreign })).rejects.toMatchObject({
      code: "data_folder_not_postgres",
    });
    expect(readFileSync(join(foreign, "thesis.txt"), "utf8")).toBe("precious");
  });

  test("outlives its killed owner and is adopted by the next one", async () => {
    const built = join(__dirname, "..", "dist", "index.js");
    if (!existsSync(built)) spawnSync(process.execPath, [tsc(), "-b", join(__dirname, "..")]);
    const dataDir = join(root, "orphan");
    const owner = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `import { startEmbeddedPostgres, stopAbandonedServer } from ${JSON.stringify(built)};
         await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
         console.log("up"); setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await once(owner.stdout, "data");
    const pid = readPostmasterNote(dataDir)?.pid;
    owner.kill("SIGKILL");
    await once(owner, "exit");
    const next = await start("orphan");
    expect(next).toMatchObject({ adopted: true, pid });
    expect(await stopAbandonedServer(dataDir)).toBe("left_running");
    await next.stop();
    expect(await stopAbandonedServer(dataDir)).toBe("none");
  });

  test("databases of tests are copies of a template that is made once", async () => {
    const server = await start("templates");
    let prepared = 0;
    const prepare = async (url: string) => {
      prepared += 1;
      await query(url, "create table seeded as select 7 as n");
    };
    await Promise.all(
      [1, 2, 3].map(() => ensureTemplateDatabase(server.url, "template_a", prepare)),
    );
    expect(prepared).toBe(1);
    const [one, two] = await Promise.all(
      [1, 2].map(() => createTestDatabase(server.url, { template: "template_a" })),
    );
    await query(one!.url, "delete from seeded");
    expect(await query(two!.url, "select n from seeded")).toEqual([{ n: 7 }]);
    await one!.drop();
    await expect(query(one!.url, "select 1")).rejects.toMatchObject({ code: "3D000" });
    await two!.drop();
  });
});

function tsc(): string {
  return require.resolve("typescript/package.json").replace("package.json", "bin/tsc");
}
