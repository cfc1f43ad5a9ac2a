import {
  Matrix,
  newId,
  routes,
  type ResultSubmission,
  type WorkloadSpec,
} from "@benchfarm/contracts";
import { Prisma } from "../platform/database/database.js";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import {
  DECODE,
  FarmRows,
  LLAMA,
  machineFacts,
  PREFILL,
  submission,
} from "../result/farm-rows.fixture.js";
import { recordResult } from "../result/record-result.js";

let farm: TestFarm;
let rows: FarmRows;
let skuId: string;
let deviceId: string;
let q4: { id: string; sha256: string };
let q8: { id: string; sha256: string };
let decode: { id: string };
let prefill: { id: string };

beforeAll(async () => {
  farm = await startTestFarm();
  rows = new FarmRows(farm.database, farm.orgId);
  skuId = await rows.sku("Laptop");
  deviceId = await rows.device(skuId, "one");
  const modelId = await rows.model("Small", { weights: "synthetic" });
  q4 = await rows.quant(modelId, "Q4_0", { bitsPerWeight: 4.5, weights: "synthetic" });
  q8 = await rows.quant(modelId, "Q8_0", { bitsPerWeight: 8.5, weights: "synthetic" });
  decode = await rows.workload(DECODE);
  prefill = await rows.workload(PREFILL);
  await measure(q4, decode.id, DECODE);
  await measure(q4, prefill.id, PREFILL);
});
afterAll(() => farm.stop());

/** Records a result as a run would. */
async function record(
  on: TestFarm,
  at: {
    deviceId: string;
    skuId: string;
    quant: { id: string; sha256: string };
    workloadId: string;
    simulated?: boolean;
  },
  workload = DECODE,
  over: Partial<ResultSubmission> = {},
): Promise<string> {
  const outcome = await on.database.inTransaction((tx) =>
    recordResult(tx, {
      orgId: on.orgId,
      run: {
        id: newId("run"),
        quantId: at.quant.id,
        workloadId: at.workloadId,
        engine: "llama-cpp",
        engineVersion: null,
        requestedBackend: "cpu",
      },
      attempt: { id: newId("attempt") },
      device: {
        id: at.deviceId,
        skuId: at.skuId,
        cooling: "as_sold",
        simulated: at.simulated ?? false,
        facts: machineFacts(),
        engines: [{ ...LLAMA, backends: ["cpu"] }],
      },
      submission: submission(workload, at.quant.sha256, over),
      canonical: true,
      fenced: false,
    }),
  );
  if (outcome.kind !== "recorded") throw new Error("a conflict");
  return outcome.cellKey as string;
}

/** Records a result and waits until the queue has folded its cell. */
async function measure(
  quant: { id: string; sha256: string },
  workloadId: string,
  workload: WorkloadSpec,
  over: Partial<ResultSubmission> = {},
  simulated = false,
): Promise<string> {
  const at = { deviceId, skuId, quant, workloadId, simulated };
  const cellKey = await record(farm, at, workload, over);
  await eventually(async () => {
    return (await farm.database.prisma.cellStale.count({ where: { cellKey } })) === 0;
  });
  return cellKey;
}

async function eventually(look: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("it never came");
}

const matrix = (query: Record<string, string> = {}) =>
  farm.client.call(routes.readMatrix, { query: query as never });

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${farm.url}${path}`, { headers: { authorization: `Bearer ${farm.apiKey}`, ...headers } });

test("a result becomes a place of the matrix through the queue, labelled as synthetic", async () => {
  const found = await matrix();
  expect(found.rows.map((row) => row.label)).toEqual(["Small (synthetic) · Q4_0"]);
  expect(found.columns.map((column) => column.label)).toEqual([
    "Laptop · llama.cpp b6000 · cpu · tg32",
  ]);
  expect(found.cells[0]?.[0]).toMatchObject({
    status: "measured",
    value: 100,
    low: 100,
    high: 100,
    n: 5,
    resultCount: 1,
    backend: "cpu",
    weights: "synthetic",
  });
  expect(found.comparison.same).toMatchObject({
    engine: "llama.cpp b6000",
    threads: "2",
    powerProfile: "mains",
  });
  expect(found.facets.workload.map((facet) => facet.label)).toEqual(["pp64", "tg32"]);
});

test("another metric shows the other workload", async () => {
  const found = await matrix({ metric: "prefillTokensPerSecond" });
  expect(found.columns.map((column) => column.values.at(-1)?.label)).toEqual(["pp64"]);
});

test("rows and columns are what was asked for", async () => {
  const found = await matrix({ rows: "sku", columns: "model,quant" });
  expect(found.rowDimensions).toEqual(["sku"]);
  expect(found.columns.map((column) => column.label)).toEqual(["Small (synthetic) · Q4_0"]);
  expect((await get("/v1/matrix?rows=nonsense")).status).toBe(400);
});

test("filters take ids and names, several of them, and leave the facets whole", async () => {
  const rowsOf = async (query: Record<string, string>) => (await matrix(query)).rows.length;
  const second = await rows.sku("Board");
  expect(await rowsOf({ sku: "Laptop" })).toBe(1);
  expect(await rowsOf({ sku: skuId })).toBe(1);
  expect(await rowsOf({ sku: `${second},Laptop` })).toBe(1);
  expect(await rowsOf({ sku: "Board" })).toBe(0);
  expect(await rowsOf({ quant: "Q4_0", model: "Small", backend: "cpu" })).toBe(1);
  expect(await rowsOf({ quant: q4.id })).toBe(1);
  expect(await rowsOf({ quant: "Q8_0" })).toBe(0);
  expect(await rowsOf({ workload: "tg32", engine: "llama-cpp" })).toBe(1);
  expect(await rowsOf({ workload: "pp64" })).toBe(0);
  expect(await rowsOf({ engine: "other" })).toBe(0);
  expect(await rowsOf({ weights: "released" })).toBe(0);
  expect((await matrix({ sku: "Board" })).facets.sku.map((facet) => facet.label)).toEqual([
    "Laptop",
  ]);
});

test("test doubles are left out unless asked for, and then told apart", async () => {
  await measure(q4, decode.id, DECODE, {}, true);
  expect((await matrix()).cells[0]?.[0]).toMatchObject({ status: "measured", simulated: false });
  const all = await matrix({ simulated: "true" });
  expect(all.cells[0]?.[0]).toMatchObject({ status: "several", value: null });
});

test("a tag is kept until something changes: a fold, a run on its way, another query, another form", async () => {
  const tagOf = async (path: string, headers = {}) =>
    (await get(path, headers)).headers.get("etag");
  const tag = (await tagOf("/v1/matrix")) as string;
  expect(tag).toMatch(/^"[\w-]{43}"$/);
  expect(await tagOf("/v1/matrix")).toBe(tag);
  const fresh = await get("/v1/matrix", { "if-none-match": `"x", W/${tag}` });
  expect([fresh.status, await fresh.text(), fresh.headers.get("etag")]).toEqual([304, "", tag]);
  const other = await tagOf("/v1/matrix?metric=loadMs");
  const csv = await tagOf("/v1/matrix", { accept: "text/csv" });
  const runId = await rows.run({ quantId: q8.id, workloadId: decode.id, deviceId });
  const pending = await tagOf("/v1/matrix");
  await farm.database.prisma.run.delete({ where: { id: runId } });
  expect(await tagOf("/v1/matrix")).toBe(tag);
  await measure(q4, decode.id, DECODE);
  const folded = await tagOf("/v1/matrix");
  expect(new Set([tag, other, csv, pending, folded]).size).toBe(5);
  expect((await get("/v1/matrix", { "if-none-match": tag })).status).toBe(200);
});

test("a run on its way is pending in the column of the device's own engine, until its result comes", async () => {
  const runId = await rows.run({ quantId: q8.id, workloadId: decode.id, deviceId });
  const found = await matrix();
  expect(found.rows.map((row) => row.label)).toEqual([
    "Small (synthetic) · Q4_0",
    "Small (synthetic) · Q8_0",
  ]);
  expect(found.columns).toHaveLength(1);
  expect(found.cells[1]?.[0]).toMatchObject({ status: "pending", weights: "synthetic" });
  await farm.database.prisma.$executeRaw(Prisma.sql`
    update run set state = 'done', outcome = 'infra_error', reason = 'the device was lost', ended_at = now(), next_check_at = null
    where id = ${runId}`);
  expect((await matrix()).cells[1]?.[0]).toMatchObject({
    status: "failed",
    detail: "infra_error: the device was lost",
  });
  const failure = {
    code: "out_of_memory" as const,
    message: "killed",
    exitCode: null,
    signal: null,
  };
  const key = await measure(q8, decode.id, DECODE, { failure, samples: [] });
  expect((await matrix()).cells[1]?.[0]).toMatchObject({
    status: "failed",
    cellKey: key,
    detail: "out_of_memory: killed",
  });
});

test("a run for a kind of hardware is pending there too", async () => {
  const own = await rows.workload({ ...DECODE, generatedTokens: 48 });
  await rows.run({ quantId: q4.id, workloadId: own.id, skuId });
  const found = await matrix({ workload: "tg48" });
  expect(found.columns.map((column) => column.label)).toEqual([
    "Laptop · llama.cpp b6000 · cpu · tg48",
  ]);
  expect(found.cells[0]?.[0]?.status).toBe("pending");
});

test("JSON, CSV and Markdown by Accept or by format; others are not acceptable", async () => {
  const json = await get("/v1/matrix", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
  expect(json.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(json.headers.get("vary")).toContain("Accept");
  expect(Matrix.parse(await json.json()).metric.id).toBe("decodeTokensPerSecond");
  const csv = await get("/v1/matrix", { accept: "text/csv" });
  expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(await csv.text()).toContain("Small (synthetic),Q4_0,Laptop,llama.cpp b6000,cpu,tg32,");
  const markdown = await get("/v1/matrix?format=markdown");
  expect(markdown.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
  expect(await markdown.text()).toContain("| Small (synthetic) | Q4_0 |");
  const image = await get("/v1/matrix", { accept: "image/png" });
  expect(image.status).toBe(406);
  expect(await image.json()).toMatchObject({ code: "not_acceptable" });
});

test("another org sees an empty matrix and none of the facets", async () => {
  const other = await farm.client.call(routes.createOrg, {
    body: { slug: "other", name: "Other" },
  });
  const found = await farm
    .clientWith(other.apiKey.secret)
    .call(routes.readMatrix, { query: { sku: skuId } as never });
  expect(found.rows).toEqual([]);
  expect(Object.values(found.facets).every((facet) => facet.length === 0)).toBe(true);
});

test("a cell shows its results, samples and how to make its number again; results are listed", async () => {
  const cellKey = (await matrix({ quant: "Q4_0" })).cells[0]?.[0]?.cellKey as string;
  const cell = await farm.client.call(routes.readCell, { params: { key: cellKey } });
  expect(cell).toMatchObject({ status: "measured", workload: DECODE, bitsPerWeight: 4.5 });
  expect(cell.results[0]?.samples).toHaveLength(6);
  expect(cell.results[0]?.samples[1]?.before?.powerSource).toBe("mains");
  expect(cell.reproduce.map((step) => step.command).join("\n")).toContain(
    "llama-bench -m model.gguf",
  );
  const listed = await farm.client.call(routes.listCells, { query: { quant: q4.id, limit: 1 } });
  expect(listed.items).toHaveLength(1);
  expect(listed.nextCursor).not.toBeNull();
  const results = await farm.client.call(routes.listResults, { query: { cell: cellKey } });
  expect(results.items.length).toBe(cell.resultCount);
  const detail = await farm.client.call(routes.readResult, {
    params: { id: results.items[0]?.id as string },
  });
  expect(detail.rawOutput).toBe("{}");
  await expect(
    farm.client.call(routes.readCell, { params: { key: "0".repeat(64) } }),
  ).rejects.toMatchObject({ code: "not_found" });
  await expect(
    farm.client.call(routes.readResult, { params: { id: newId("result") } }),
  ).rejects.toMatchObject({ code: "not_found" });
});

test("a fold whose hint was lost is made all the same", async () => {
  const lost = await startTestFarm({
    env: { BENCHFARM_RECONCILE_MS: "50", BENCHFARM_RELAY_MS: "600000" },
  });
  try {
    const own = new FarmRows(lost.database, lost.orgId);
    const sku = await own.sku("Laptop");
    const quant = await own.quant(await own.model("Small"), "Q4_0");
    const workload = await own.workload(DECODE);
    await record(lost, { deviceId: newId("device"), skuId: sku, quant, workloadId: workload.id });
    await lost.database.prisma.outbox.deleteMany();
    await eventually(async () => (await lost.database.prisma.cell.count()) === 1);
  } finally {
    await lost.stop();
  }
}, 60_000);
