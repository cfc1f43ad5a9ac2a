import { loadConfig } from "../config.js";
import { createFarmDatabase } from "../testing/test-farm.js";
import { Database, isUniqueViolation, Prisma, sqlState, type SqlTx } from "./database.js";

let database: Database;
let own: Awaited<ReturnType<typeof createFarmDatabase>>;

beforeAll(async () => {
  own = await createFarmDatabase();
  database = new Database(loadConfig({ DATABASE_URL: own.url }));
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

const insertOrg = (tx: SqlTx, id: string) =>
  tx.$executeRaw(Prisma.sql`insert into org (id, slug, name) values (${id}, ${id}, 'Test')`);
const exists = async (id: string) =>
  (await database.sql.$queryRaw<unknown[]>(Prisma.sql`select 1 from org where id = ${id}`)).length;

it("reads columns as Prisma does", async () => {
  const query = Prisma.sql`select ${5}::int as i, 9007199254740993::int8 as b, ${["x", "y"]}::text[] as t, ${1.5}::float8 as f,
    ${JSON.stringify({ a: [1] })}::jsonb as j, timestamptz '2026-01-02T03:04:05Z' as at, null::text as n, true as yes`;
  const [lean, prisma] = [
    await database.sql.$queryRaw(query),
    await database.prisma.$queryRaw(query),
  ];
  expect(lean).toEqual(prisma);
  expect(lean).toMatchObject([{ b: 9007199254740993n, at: new Date("2026-01-02T03:04:05Z") }]);
});

it("commits a transaction whole or not at all", async () => {
  await database.inSqlTransaction((tx) => insertOrg(tx, "org_kept"));
  expect(await exists("org_kept")).toBe(1);
  const failing = database.inSqlTransaction(async (tx) => {
    await insertOrg(tx, "org_undone");
    throw new Error("changed its mind");
  });
  await expect(failing).rejects.toThrow("changed its mind");
  expect(await exists("org_undone")).toBe(0);
});

it("tells a lost race to insert from other errors", async () => {
  const twice = insertOrg(database.sql, "org_kept");
  const error: unknown = await Promise.resolve(twice).catch((e: unknown) => e);
  expect(isUniqueViolation(error)).toBe(true);
  const wrong: unknown = await Promise.resolve(
    database.sql.$queryRaw(Prisma.sql`select 1 / 0`),
  ).catch((e: unknown) => e);
  expect(isUniqueViolation(wrong)).toBe(false);
  expect(sqlState(wrong)).toBe("22012");
});

it("runs deadlocked work again", async () => {
  await insertOrg(database.sql, "org_a");
  await insertOrg(database.sql, "org_b");
  const lock = (tx: SqlTx, id: string) =>
    tx.$executeRaw(Prisma.sql`update org set name = 'locked' where id = ${id}`);
  let runs = 0;
  let met = 0;
  const both = (first: string, second: string) =>
    database.inSqlTransaction(async (tx) => {
      runs += 1;
      await lock(tx, first);
      met += 1;
      for (let tries = 0; met < 2 && tries < 100; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await lock(tx, second);
    });
  await Promise.all([both("org_a", "org_b"), both("org_b", "org_a")]);
  expect(runs).toBe(3);
});
