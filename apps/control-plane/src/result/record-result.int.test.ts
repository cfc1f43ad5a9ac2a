import { newId, type DeviceEngine, type ResultSubmission } from "@benchfarm/contracts";
import { Prisma } from "../platform/database/database.js";
import { readCell } from "./cell-read.store.js";
import { foldCells, rebuildCells } from "./fold-cells.js";
import { recordResult, type RecordOutcome, type RecordResultInput } from "./record-result.js";
import { listResults, readResultDetail } from "./result-read.store.js";
import {
  DECODE,
  FarmRows,
  LLAMA,
  machineFacts,
  openFarmDatabase,
  sample,
  submission,
} from "./farm-rows.fixture.js";

let farm: Awaited<ReturnType<typeof openFarmDatabase>>;
let rows: FarmRows;
let skuId: string;
let quant: { id: string; sha256: string };
let workload: { id: string; digest: string };

beforeAll(async () => {
  farm = await openFarmDatabase();
  rows = new FarmRows(farm.database);
  await rows.org();
  skuId = await rows.sku("Laptop");
});
afterAll(() => farm.close());

/** Each test has a quant of its own, so that its cells are its own. */
beforeEach(async () => {
  quant = await rows.quant(await rows.model(newId("model")), "Q4_0");
  workload = await rows.workload(DECODE);
});

const ENGINES: DeviceEngine[] = [{ ...LLAMA, backends: ["cpu"] }];

async function record(
  over: Partial<ResultSubmission> = {},
  input: Partial<RecordResultInput> & { deviceId?: string } = {},
): Promise<RecordOutcome> {
  const { deviceId, ...rest } = input;
  return farm.database.inTransaction((tx) =>
    recordResult(tx, {
      orgId: rows.orgId,
      run: {
        id: newId("run"),
        quantId: quant.id,
        workloadId: workload.id,
        engine: "llama-cpp",
        engineVersion: null,
        requestedBackend: "cpu",
      },
      attempt: { id: newId("attempt") },
      device: {
        id: deviceId ?? newId("device"),
        skuId,
        cooling: "as_sold",
        simulated: false,
        facts: machineFacts(),
        engines: ENGINES,
      },
      submission: submission(DECODE, quant.sha256, over),
      canonical: true,
      fenced: false,
      ...rest,
    }),
  );
}

async function recorded(...args: Parameters<typeof record>) {
  const outcome = await record(...args);
  if (outcome.kind !== "recorded") throw new Error(`expected a record, got ${outcome.kind}`);
  return outcome;
}

/** Repetitions of a decode that take this long a token. */
const atMsPerToken = (ms: number) => ({
  samples: Array.from({ length: 6 }, (_, index) =>
    sample(DECODE, index, { generationNs: 32e6 * ms, totalNs: 32e6 * ms }),
  ),
});

const OUT_OF_MEMORY = {
  failure: { code: "out_of_memory" as const, message: "killed", exitCode: null, signal: "SIGKILL" },
  samples: [],
  settings: null,
  effectiveBackend: null,
  engine: null,
};

async function cellOf(key: string | null) {
  if (key === null) throw new Error("the result has no cell");
  await foldCells(farm.database, [key]);
  return (await readCell(farm.database.prisma, rows.orgId, key))?.cell ?? null;
}

const count = async (table: string, where: Prisma.Sql) =>
  Number(
    (
      await farm.database.prisma.$queryRaw<{ n: bigint }[]>(
        Prisma.sql`select count(*) as n from ${Prisma.raw(table)} where ${where}`,
      )
    )[0]?.n,
  );

test("a measurement is stored raw, summarised, judged, and becomes its cell", async () => {
  const outcome = await recorded();
  expect(outcome).toMatchObject({
    status: "measured",
    validity: "valid",
    canonical: true,
    replay: false,
  });
  const detail = await readResultDetail(farm.database.prisma, rows.orgId, outcome.resultId);
  expect(detail?.samples).toEqual(submission(DECODE, quant.sha256).samples);
  expect(detail).toMatchObject({ rawOutput: "{}", engine: LLAMA, agentVersion: "0.1.0" });
  const rate = detail?.metrics.find((m) => m.metric === "decodeTokensPerSecond");
  expect(rate).toMatchObject({ n: 5, median: 100, stddev: 0 });
  expect(await count("outbox", Prisma.sql`task = 'fold-cell' and key = ${outcome.cellKey}`)).toBe(
    1,
  );
  const cell = await cellOf(outcome.cellKey);
  expect(cell).toMatchObject({
    status: "measured",
    resultCount: 1,
    sampleCount: 5,
    deviceCount: 1,
    skuName: "Laptop",
    quantName: "Q4_0",
    workloadName: "tg32",
    backend: "cpu",
  });
  expect(cell?.metrics).toEqual(detail?.metrics);
});

test("an identical replay changes nothing and gets the same answer", async () => {
  const attempt = { id: newId("attempt") };
  const run = {
    id: newId("run"),
    quantId: quant.id,
    workloadId: workload.id,
    engine: "llama-cpp",
    engineVersion: null,
    requestedBackend: "cpu" as const,
  };
  const same = submission(DECODE, quant.sha256);
  const first = await recorded({}, { attempt, run, submission: same });
  const again = await recorded({}, { attempt, run, submission: same });
  expect(again).toEqual({ ...first, replay: true });
  expect(await count("result", Prisma.sql`attempt_id = ${attempt.id}`)).toBe(1);
});

test("other content for the same attempt is a conflict, kept once as fenced evidence", async () => {
  const attempt = { id: newId("attempt") };
  const run = {
    id: newId("run"),
    quantId: quant.id,
    workloadId: workload.id,
    engine: "llama-cpp",
    engineVersion: null,
    requestedBackend: "cpu" as const,
  };
  const first = submission(DECODE, quant.sha256);
  const other = { ...first, ...atMsPerToken(1) };
  const stored = await recorded({}, { attempt, run, submission: first });
  const conflict = await record({}, { attempt, run, submission: other });
  expect(conflict).toEqual({
    kind: "conflict",
    storedResultId: stored.resultId,
    evidenceId: expect.not.stringMatching(stored.resultId),
  });
  expect(await record({}, { attempt, run, submission: other })).toEqual(conflict);
  expect(await recorded({}, { attempt, run, submission: first })).toMatchObject({ replay: true });
  expect(await count("result", Prisma.sql`attempt_id = ${attempt.id} and fenced`)).toBe(1);
  expect(await cellOf(stored.cellKey)).toMatchObject({ resultCount: 1 });
});

test("a result id that another attempt used is a conflict, and neither is lost", async () => {
  const first = await recorded();
  const taken = await record({ resultId: first.resultId });
  expect(taken).toMatchObject({ kind: "conflict", storedResultId: first.resultId });
  expect(await count("result", Prisma.sql`quant_id = ${quant.id}`)).toBe(2);
});

test("over several results a cell is the median of their medians, with their interval", async () => {
  const keys = new Set<string | null>();
  const deviceId = newId("device");
  for (const ms of [10, 20, 40]) {
    keys.add((await recorded(atMsPerToken(ms), { deviceId })).cellKey);
  }
  keys.add((await recorded(atMsPerToken(80))).cellKey);
  expect(keys.size).toBe(1);
  const cell = await cellOf([...keys][0] as string);
  expect(cell).toMatchObject({ resultCount: 4, sampleCount: 20, deviceCount: 2 });
  expect(cell?.metrics.find((m) => m.metric === "timePerOutputTokenMs")).toEqual({
    metric: "timePerOutputTokenMs",
    n: 20,
    median: 30,
    mean: 37.5,
    stddev: expect.closeTo(30.96, 2),
    min: 10,
    max: 80,
    low: 10,
    high: 80,
  });
});

test("an implausible result is held: a cell without a number", async () => {
  // 1 MB a token from 10 GB/s allows 10 000 tokens/s.
  const outcome = await recorded(atMsPerToken(0.05));
  expect(outcome).toMatchObject({ status: "measured", validity: "held", canonical: true });
  expect(await cellOf(outcome.cellKey)).toMatchObject({
    status: "held",
    metrics: [],
    resultCount: 1,
  });
});

test("too few repetitions: invalid, never canonical, and yet visible with its reason", async () => {
  const outcome = await recorded({ samples: atMsPerToken(10).samples.slice(0, 3) });
  expect(outcome).toMatchObject({ validity: "invalid", canonical: false });
  expect(await cellOf(outcome.cellKey)).toMatchObject({
    status: "failed",
    failure: {
      code: "invalid_measurement",
      message: expect.stringContaining("too_few_repetitions"),
    },
  });
  const valid = await recorded();
  expect(valid.cellKey).toBe(outcome.cellKey);
  expect(await cellOf(valid.cellKey)).toMatchObject({ status: "measured", resultCount: 1 });
});

test("a failure is a cell with a reason, found by the device's own engine, and the newest is told", async () => {
  const first = await recorded(OUT_OF_MEMORY);
  expect(first).toMatchObject({ status: "failed", validity: "valid" });
  const crash = { ...OUT_OF_MEMORY.failure, code: "engine_crashed" as const, message: "SIGSEGV" };
  const second = await recorded({ ...OUT_OF_MEMORY, failure: crash });
  expect(second.cellKey).toBe(first.cellKey);
  expect(await cellOf(first.cellKey)).toMatchObject({
    status: "failed",
    failure: { code: "engine_crashed", message: "SIGSEGV" },
    resultCount: 2,
    sampleCount: 0,
  });
});

test("a valid measurement at the same key wins over failures, whenever it comes", async () => {
  const settings = submission(DECODE, quant.sha256).settings;
  const failed = await recorded({ ...OUT_OF_MEMORY, settings });
  const measured = await recorded();
  expect(measured.cellKey).toBe(failed.cellKey);
  await recorded({ ...OUT_OF_MEMORY, settings });
  expect(await cellOf(measured.cellKey)).toMatchObject({
    status: "measured",
    failure: null,
    resultCount: 1,
  });
});

test("the server checks the backend itself: a CPU number asked for as GPU is a failure", async () => {
  const run = {
    id: newId("run"),
    quantId: quant.id,
    workloadId: workload.id,
    engine: "llama-cpp",
    engineVersion: null,
    requestedBackend: "vulkan" as const,
  };
  const outcome = await recorded({ requestedBackend: "vulkan" }, { run });
  expect(outcome).toMatchObject({ status: "failed", failure: { code: "backend_mismatch" } });
  expect(await cellOf(outcome.cellKey)).toMatchObject({ status: "failed", backend: "vulkan" });
  const detail = await readResultDetail(farm.database.prisma, rows.orgId, outcome.resultId);
  expect(detail?.samples).toHaveLength(6);
  expect(detail?.metrics).toEqual([]);
});

test("fenced evidence and results that are not canonical enter no cell", async () => {
  const outcome = await recorded({}, { canonical: false, fenced: true });
  expect(await cellOf(outcome.cellKey)).toBeNull();
});

test("garbage that PostgreSQL cannot store is kept readable", async () => {
  const outcome = await recorded({ rawOutput: "a\0b\ud800c", backendEvidence: ["\0"] });
  const detail = await readResultDetail(farm.database.prisma, rows.orgId, outcome.resultId);
  expect(detail).toMatchObject({ rawOutput: "a\ufffdb\ufffdc", backendEvidence: ["\ufffd"] });
});

test("sample indexes that repeat are refused with a clear error", async () => {
  const { samples } = atMsPerToken(10);
  await expect(record({ samples: [...samples, ...samples] })).rejects.toMatchObject({
    code: "invalid_request",
  });
});

test("results are paged newest first and filtered", async () => {
  const a = await recorded();
  const b = await recorded(OUT_OF_MEMORY);
  const page = await listResults(farm.database.prisma, rows.orgId, { limit: 1 });
  expect(page.items.map((r) => r.id)).toEqual([b.resultId]);
  const next = await listResults(farm.database.prisma, rows.orgId, {
    limit: 1,
    cursor: page.nextCursor as string,
  });
  expect(next.items.map((r) => r.id)).toEqual([a.resultId]);
  const failed = await listResults(farm.database.prisma, rows.orgId, {
    limit: 50,
    cell: b.cellKey as string,
    status: "failed",
  });
  expect(failed.items).toHaveLength(1);
  expect(await listResults(farm.database.prisma, newId("org"), { limit: 50 })).toEqual({
    items: [],
    nextCursor: null,
  });
});

const snapshot = async () => ({
  cells: await farm.database.prisma.$queryRaw(
    Prisma.sql`select (to_jsonb(c) - 'updated_at') as cell from cell c order by key`,
  ),
  metrics: await farm.database.prisma.$queryRaw(
    Prisma.sql`select to_jsonb(m) as metric from cell_metric m order by cell_key, metric`,
  ),
});

test("folding many cells at once and beside themselves ends as one after the other does", async () => {
  const quants = await Promise.all(
    ["Q8_0", "F16", "Q4_1"].map(async (name) => rows.quant(await rows.model(newId("model")), name)),
  );
  const keys: string[] = [];
  await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      const own = quants[i % quants.length] as typeof quant;
      const outcome = await record(
        {},
        {
          run: {
            id: newId("run"),
            quantId: own.id,
            workloadId: workload.id,
            engine: "llama-cpp",
            engineVersion: null,
            requestedBackend: "cpu",
          },
          submission: submission(DECODE, own.sha256, atMsPerToken(10 + i)),
        },
      );
      if (outcome.kind !== "recorded") throw new Error("a conflict");
      keys.push(outcome.cellKey as string);
      await Promise.all([
        foldCells(farm.database, [outcome.cellKey as string]),
        foldCells(farm.database, [...new Set(keys)].reverse()),
      ]);
    }),
  );
  expect(await count("cell_stale", Prisma.sql`cell_key = any(${keys}::text[])`)).toBe(0);
  for (const key of new Set(keys)) {
    const found = await readCell(farm.database.prisma, rows.orgId, key);
    expect(found?.cell).toMatchObject({ resultCount: 10, sampleCount: 50 });
  }
});

test("rebuilding all cells from results gives what folding one by one gave", async () => {
  const all = await farm.database.prisma.$queryRaw<{ key: string }[]>(
    Prisma.sql`select distinct cell_key as key from result where cell_key is not null`,
  );
  for (const { key } of all) await foldCells(farm.database, [key]);
  const before = await snapshot();
  expect((before.cells as unknown[]).length).toBeGreaterThan(8);
  await farm.database.prisma.$executeRaw(
    Prisma.sql`update cell set status = 'held', result_count = 999`,
  );
  await farm.database.prisma.$executeRaw(
    Prisma.sql`delete from cell_metric where metric = 'loadMs'`,
  );
  await farm.database.prisma.$executeRaw(Prisma.sql`
    insert into cell (key, org_id, key_fields, sku_id, model_id, quant_id, engine_id, backend, workload_id, status,
                      result_count, sample_count, device_count, updated_at)
    select repeat('f', 64), org_id, key_fields, sku_id, model_id, quant_id, engine_id, backend, workload_id, status,
           result_count, sample_count, device_count, updated_at from cell limit 1`);
  expect(await snapshot()).not.toEqual(before);
  expect(await rebuildCells(farm.database)).toBeGreaterThanOrEqual(all.length);
  expect(await snapshot()).toEqual(before);
});
