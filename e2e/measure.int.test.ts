import { routes } from "@benchfarm/contracts";
import {
  addModel,
  createSweep,
  deviceOf,
  runsOf,
  startLiveFarm,
  until,
  type LiveFarm,
} from "./live-farm.js";

jest.setTimeout(240_000);

let farm: LiveFarm;
beforeAll(async () => {
  farm = await startLiveFarm();
});
afterAll(async () => {
  await farm.stop();
});

test("a sweep on this machine becomes cells of raw samples, told apart as synthetic", async () => {
  await farm.startAgent();
  const device = await deviceOf(farm);
  expect(device.facts.logicalCores).toBeGreaterThan(0);
  expect(device.simulated).toBe(false);

  const quants = [await addModel(farm, "Q8_0"), await addModel(farm, "Q4_0")];
  const sweep = await createSweep(
    farm,
    quants.map((quant) => quant.id),
    [
      { promptTokens: 16, repetitions: 3, warmupRepetitions: 1 },
      { generatedTokens: 8, repetitions: 3, warmupRepetitions: 1 },
    ],
  );
  const runs = await runsOf(farm, sweep);
  expect(runs.map((run) => run.outcome)).toEqual([
    "succeeded",
    "succeeded",
    "succeeded",
    "succeeded",
  ]);

  for (const run of runs) {
    const detail = await farm.client.call(routes.readRun, { params: { id: run.id } });
    expect(detail.attempts).toHaveLength(1);
    const result = detail.result;
    expect(result?.effectiveBackend).toBe("cpu");
    expect(result?.backendEvidence.length).toBeGreaterThan(0);
    const measured = result?.samples.filter((sample) => !sample.warmup) ?? [];
    expect(measured).toHaveLength(3);
    for (const sample of measured) {
      const ns = sample.promptTokens > 0 ? sample.promptNs : sample.generationNs;
      expect(ns).toBeGreaterThan(0);
      expect(sample.before?.loadAverage1m).not.toBeNull();
    }
    const cell = await until("the cell to be folded", async () =>
      farm.client.call(routes.readCell, { params: { key: result?.cellKey ?? "" } }),
    );
    expect(cell.weights).toBe("synthetic");
    expect(cell.status).toBe("measured");
    expect(cell.reproduce.map((step) => step.command).join("\n")).toContain("tiny-llama-test");
    const rate = cell.metrics.find((metric) => metric.metric.endsWith("TokensPerSecond"));
    const rates = measured
      .map(
        (sample) =>
          1e9 /
          ((sample.promptNs ?? sample.generationNs ?? 1) /
            (sample.promptTokens || sample.generatedTokens)),
      )
      .sort((a, b) => a - b);
    expect(rate?.median).toBeCloseTo(rates[1] as number, 6);
  }
});

test("the matrix can be had as JSON, CSV and Markdown, and by its ETag", async () => {
  const query = { metric: "decodeTokensPerSecond" as const };
  const matrix = await farm.client.call(routes.readMatrix, { query });
  expect(matrix.rows).toHaveLength(2);
  expect(matrix.cells.flat().filter((cell) => cell.status === "measured")).toHaveLength(2);
  const csv = await farm.client.open(routes.readMatrix, { query, headers: { accept: "text/csv" } });
  expect((await csv.text()).trim().split("\n").length).toBeGreaterThanOrEqual(3);
  const markdown = await farm.client.open(routes.readMatrix, {
    query,
    headers: { accept: "text/markdown" },
  });
  expect(await markdown.text()).toMatch(/\|.*---/);
  const first = await farm.client.open(routes.readMatrix, { query });
  await first.arrayBuffer();
  const again = await farm.client.open(routes.readMatrix, {
    query,
    headers: { "if-none-match": first.headers.get("etag") ?? "" },
  });
  expect(again.status).toBe(304);
});

test("what is wrong with a request is said with what to do", async () => {
  const unknown = await fetch(`${farm.url}/v1/matrix?rows=colour`);
  expect(unknown.status).toBe(400);
  expect(unknown.headers.get("content-type")).toContain("application/problem+json");
  const refused = await fetch(`${farm.url}/v1/sweeps`, {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  expect([401, 403]).toContain(refused.status);
});
