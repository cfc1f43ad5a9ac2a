import { setTimeout as delay } from "node:timers/promises";
import { createTestDatabase } from "@benchfarm/embedded-postgres";
import pg from "pg";
import { z } from "zod";
import { loadConfig } from "../config.js";
import { createFarmDatabase } from "../testing/test-farm.js";
import { Database, isUniqueViolation, isUnreachable, Prisma, sqlState } from "./database.js";
import { listMigrations, MigrationError, pendingMigrations, runMigrations } from "./migrate.js";

const server = () => process.env["BENCHFARM_TEST_DATABASE_URL"] as string;

describe("migrations", () => {
  it("run once, however many processes start at once, and are then complete", async () => {
    const fresh = await createTestDatabase(server());
    const names = listMigrations().map(({ name }) => name);
    const applied = await Promise.all([1, 2, 3].map(() => runMigrations(fresh.url)));
    expect(applied.flat()).toEqual(names);
    const client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    const pending = async () =>
      pendingMigrations(async (sql) => (await client.query<{ name: string }>(sql)).rows);
    expect(await pending()).toEqual([]);
    // The ledger is Prisma's own.
    const { rows } = await client.query(
      "select checksum, applied_steps_count, logs from _prisma_migrations order by migration_name",
    );
    expect(rows).toEqual(
      listMigrations().map(({ checksum }) => ({ checksum, applied_steps_count: 1, logs: null })),
    );

    await client.query("update _prisma_migrations set checksum = 'x' where migration_name = $1", [
      names[0],
    ]);
    await expect(runMigrations(fresh.url)).rejects.toThrow(/was changed after this database/);
    await client.query(
      "update _prisma_migrations set checksum = $2, finished_at = null where migration_name = $1",
      [names[0], listMigrations()[0]?.checksum],
    );
    await expect(runMigrations(fresh.url)).rejects.toThrow(/failed before/);
    await client.end();
    await fresh.drop();
  });

  it("that fail change nothing, say why, and may be run again", async () => {
    const fresh = await createTestDatabase(server());
    const client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    await client.query("create table quant (in_the_way int)");
    await expect(runMigrations(fresh.url)).rejects.toThrow(MigrationError);
    const { rows } = await client.query("select to_regclass('event') as event");
    expect(rows).toEqual([{ event: null }]);
    const ledger = await client.query("select logs from _prisma_migrations");
    expect(ledger.rows[0].logs).toContain('relation "quant" already exists');
    await client.query("drop table quant");
    expect(await runMigrations(fresh.url)).toEqual(listMigrations().map(({ name }) => name));
    await client.end();
    await fresh.drop();
  });
});

describe("the database", () => {
  let farm: { url: string; drop(): Promise<void> };
  let database: Database;
  beforeAll(async () => {
    farm = await createFarmDatabase();
    database = new Database(
      loadConfig({ DATABASE_URL: farm.url, BENCHFARM_DATABASE_CONNECTIONS: "4" }),
    );
    await database.pool.query("create table counter (id int primary key, n int not null)");
    await database.pool.query("insert into counter values (1, 0), (2, 0)");
  });
  afterAll(async () => {
    await database.close();
    await farm.drop();
  });

  const add = (id: number, tx = database.prisma) =>
    tx.$executeRaw(Prisma.sql`update counter set n = n + 1 where id = ${id}`);
  const values = async () =>
    (await database.pool.query<{ n: number }>("select n from counter order by id")).rows.map(
      ({ n }) => n,
    );

  it("runs deadlocked transactions again until all are done", async () => {
    let tries = 0;
    const both = (first: number, second: number) =>
      database.inTransaction(async (tx) => {
        tries += 1;
        await add(first, tx);
        await delay(60);
        await add(second, tx);
      });
    await Promise.all([both(1, 2), both(2, 1)]);
    expect(await values()).toEqual([2, 2]);
    expect(tries).toBeGreaterThan(2);
  });

  it("runs transactions again that could not be serialised", async () => {
    let tries = 0;
    await Promise.all(
      [1, 2, 3].map(() =>
        database.inTransaction(
          async (tx) => {
            tries += 1;
            const [row] = await database.query(
              z.object({ n: z.number() }),
              Prisma.sql`select n from counter where id = 1`,
              tx,
            );
            await delay(30);
            await tx.$executeRaw(
              Prisma.sql`update counter set n = ${(row?.n ?? 0) + 1} where id = 1`,
            );
          },
          { isolation: "Serializable" },
        ),
      ),
    );
    expect((await values())[0]).toBe(5);
    expect(tries).toBeGreaterThan(3);
  });

  it("rolls back and passes on every other error, and tells what the database said", async () => {
    const before = await values();
    const failing = database.inTransaction(async (tx) => {
      await add(1, tx);
      await tx.$executeRaw(Prisma.sql`insert into counter values (1, 1)`);
    });
    const error: unknown = await failing.catch((thrown: unknown) => thrown);
    expect(isUniqueViolation(error)).toBe(true);
    expect(sqlState(error)).toBe("23505");
    expect(isUnreachable(error)).toBe(false);
    expect(await values()).toEqual(before);
  });

  it("joins what runs inside an outer transaction to it", async () => {
    const before = await values();
    const failing = database.inOuterTransaction(async () => {
      await database.inTransaction((tx) => add(1, tx));
      await add(2);
      const seen = await database.query(
        z.object({ n: z.number() }),
        Prisma.sql`select n from counter order by id`,
      );
      expect(seen.map(({ n }) => n)).toEqual(before.map((n) => n + 1));
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await values()).toEqual(before);
  });

  it("knows a database that cannot be reached", async () => {
    const away = new Database(loadConfig({ DATABASE_URL: "postgresql://app@127.0.0.1:1/none" }));
    const error: unknown = await away.prisma.org.findFirst().catch((thrown: unknown) => thrown);
    expect(isUnreachable(error)).toBe(true);
    await away.close();
  });
});
