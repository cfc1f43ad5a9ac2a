import { newId, routes, type CreateSweep } from "@benchfarm/contracts";
import { Prisma } from "../platform/database/database.js";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import { FarmRows } from "../result/farm-rows.fixture.js";

let farm: TestFarm;
let rows: FarmRows;
let deviceIds: string[];
let skuId: string;

beforeAll(async () => {
  farm = await startTestFarm({ env: { BENCHFARM_RECONCILE_MS: "200" } });
  rows = new FarmRows(farm.database, farm.orgId);
  skuId = await rows.sku("Laptop");
  deviceIds = [
    await rows.device(skuId, "one", { tags: ["lab", "fast"] }),
    await rows.device(skuId, "two", { tags: ["lab"], backends: ["cpu", "vulkan"] }),
  ];
  await rows.device(skuId, "retired", { lifecycle: "retired" });
  const modelId = await rows.model("Small", { family: "small" });
  await rows.quant(modelId, "Q4_0");
  await rows.quant(modelId, "Q8_0");
  await rows.quant(await rows.model("Large", { family: "large" }), "Q4_0");
});
afterAll(() => farm.stop());

type Wish = Partial<CreateSweep> & Pick<CreateSweep, "name">;
const wish = (over: Partial<CreateSweep> = {}): Wish & { engines: CreateSweep["engines"] } => ({
  name: "nightly",
  engines: [{ engine: "llama-cpp", backend: "cpu" }],
  workloads: [
    { promptTokens: 64, generatedTokens: 0 },
    { promptTokens: 0, generatedTokens: 32 },
  ] as CreateSweep["workloads"],
  ...over,
});
const create = (over: Partial<CreateSweep> = {}) =>
  farm.client.call(routes.createSweep, { body: wish(over) as CreateSweep });
const read = (id: string) => farm.client.call(routes.readSweep, { params: { id } });

const exec = (sql: Prisma.Sql) => farm.database.prisma.$executeRaw(sql);
const countRuns = (sweepId: string) => farm.database.prisma.run.count({ where: { sweepId } });

/** Ends runs as their attempts would have, after `tookMs`. */
const finish = (sweepId: string, limit: number, tookMs: number, deviceId?: string) =>
  exec(Prisma.sql`
    update run set state = 'done', outcome = 'succeeded', ended_at = clock_timestamp(), next_check_at = null,
      started_at = clock_timestamp() - ${tookMs}::float8 * interval '1 millisecond'
    where id in (select id from run where sweep_id = ${sweepId} and state = 'queued'
      and (${deviceId ?? null}::text is null or device_id = ${deviceId ?? null}) order by vft limit ${limit})`);

async function eventually<T>(look: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 200; i += 1) {
    const value = await look();
    if (good(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return look();
}

test("a dry run counts and explains, and creates nothing", async () => {
  const engines = [
    { engine: "llama-cpp", backend: "cpu" as const },
    { engine: "llama-cpp", backend: "vulkan" as const },
  ];
  const sweepsBefore = await farm.database.prisma.sweep.count();
  const workloadsBefore = await farm.database.prisma.workload.count();
  const dry = await create({ dryRun: true, engines });
  expect(dry).toEqual({
    sweep: null,
    runCount: (2 + 1) * 3 * 2,
    unserved: [
      {
        combination: "one with llama-cpp on vulkan",
        reason: "llama-cpp offers no vulkan there; it offers cpu",
      },
    ],
  });
  expect(await farm.database.prisma.sweep.count()).toBe(sweepsBefore);
  expect(await farm.database.prisma.workload.count()).toBe(workloadsBefore);
});

test("a sweep is its cross product of queued runs, with progress that adds up", async () => {
  const { sweep, runCount } = await create({ band: "nightly" });
  expect(runCount).toBe(12);
  expect(sweep).toMatchObject({
    state: "active",
    band: "nightly",
    progress: { total: 12, queued: 12, done: 0, remainingMs: null },
    endedAt: null,
  });
  expect(await countRuns(sweep!.id)).toBe(12);
  const listed = await farm.client.call(routes.listSweeps, { query: { state: "active" } });
  expect(listed.items.map((item) => item.id)).toContain(sweep!.id);
});

test.each([
  ["tags, all of which must be there", { devices: { tags: ["lab", "fast"] } }, 6],
  ["families", { quants: { families: ["large"] } }, 4],
  ["quant names", { quants: { names: ["Q8_0"] } }, 4],
  ["both sides", { devices: { tags: ["fast"] }, quants: { names: ["Q8_0"] } }, 2],
])("selects by %s", async (_, over, runCount) => {
  expect(await create({ ...over, dryRun: true })).toMatchObject({ runCount });
});

test("the client's own id again with the same content changes nothing, also at once; other content is a conflict", async () => {
  const id = newId("sweep");
  const all = await Promise.all([create({ id }), create({ id }), create({ id })]);
  expect(new Set(all.map((made) => made.sweep?.id))).toEqual(new Set([id]));
  expect(all.every((made) => made.runCount === 12)).toBe(true);
  expect(await countRuns(id)).toBe(12);
  await expect(create({ id, name: "other" })).rejects.toMatchObject({ code: "conflict" });
});

test("ids that the org does not have, and a sweep in which nothing can run, are refused with reasons", async () => {
  const missing = newId("device");
  await expect(create({ devices: { deviceIds: [missing] } })).rejects.toMatchObject({
    code: "invalid_request",
    errors: [{ path: "body.devices.deviceIds", message: `${missing} is unknown` }],
  });
  await expect(
    create({ engines: [{ engine: "llama-cpp", backend: "metal" }] }),
  ).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("llama-cpp offers no metal there"),
  });
});

test("the remaining time comes from the sweep's own finished runs and its busiest device", async () => {
  const { sweep } = await create();
  const id = sweep!.id;
  expect((await read(id)).progress.remainingMs).toBeNull();
  // Each took as long as it was estimated to take, doubled.
  await exec(Prisma.sql`update run set estimated_ms = 1000 where sweep_id = ${id}`);
  await finish(id, 2, 2000, deviceIds[0]);
  const { progress } = await read(id);
  expect(progress).toMatchObject({ done: 2, queued: 10, outcomes: { succeeded: 2 } });
  // Six are left on the second device, two seconds each.
  expect(progress.remainingMs).toBeGreaterThan(11_500);
  expect(progress.remainingMs).toBeLessThan(12_500);
});

test("a sweep whose runs have all ended is done, even when every hint was lost", async () => {
  const { sweep } = await create();
  await finish(sweep!.id, 100, 10);
  const done = await eventually(
    () => read(sweep!.id),
    (found) => found.state === "done",
  );
  expect(done).toMatchObject({
    state: "done",
    endedAt: expect.any(String),
    progress: { done: 12, remainingMs: 0 },
  });
});

test("canceling ends what nobody works on; again it changes nothing", async () => {
  const { sweep } = await create();
  const id = sweep!.id;
  await finish(id, 3, 10);
  const cancel = () =>
    farm.client.call(routes.cancelSweep, { params: { id }, body: { reason: "wrong model" } });
  expect(await cancel()).toMatchObject({
    state: "done",
    progress: { total: 12, done: 12, outcomes: { succeeded: 3, canceled: 9 } },
  });
  const again = await cancel();
  expect(again.progress.outcomes).toEqual({ succeeded: 3, canceled: 9 });
  const canceled = await farm.database.prisma.run.findFirst({
    where: { sweepId: id, outcome: "canceled" },
  });
  expect(canceled?.reason).toBe("canceled: wrong model");
});

test("another org sees and cancels nothing", async () => {
  const { sweep } = await create();
  const other = await farm.client.call(routes.createOrg, {
    body: { slug: `other-${Date.now()}`, name: "Other" },
  });
  const stranger = farm.clientWith(other.apiKey.secret);
  const params = { id: sweep!.id };
  await expect(stranger.call(routes.readSweep, { params })).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(stranger.call(routes.cancelSweep, { params, body: {} })).rejects.toMatchObject({
    code: "not_found",
  });
  expect((await read(sweep!.id)).progress.queued).toBe(12);
});

test("ten thousand runs are made in one transaction, in batches", async () => {
  const fleet = new FarmRows(farm.database, farm.orgId);
  const modelId = await fleet.model("Many", { family: "many" });
  await Promise.all(Array.from({ length: 50 }, async (_, i) => fleet.quant(modelId, `Q${i}`)));
  const workloads = Array.from({ length: 100 }, (_, i) => ({
    promptTokens: i + 1,
    generatedTokens: 0,
  })) as CreateSweep["workloads"];
  const { sweep } = await create({ quants: { families: ["many"] }, workloads });
  expect(sweep?.progress).toMatchObject({ total: 10_000, queued: 10_000 });
}, 60_000);
