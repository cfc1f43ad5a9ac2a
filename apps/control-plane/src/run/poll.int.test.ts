import { newId, routes } from "@benchfarm/contracts";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import {
  description,
  newAgent,
  problemOf,
  resultFor,
  seedCatalogue,
  type TestAgent,
} from "./agent.fixture.js";
import { PollWaiters } from "./poll-waiters.js";
import { RepairRuns } from "./repair-runs.js";

let farm: TestFarm;
let target: { quantId: string; sha256: string; workloadId: string };

beforeAll(async () => {
  farm = await startTestFarm({ role: "api" });
  target = await seedCatalogue(farm);
});
afterAll(() => farm.stop());

const createRun = (over: object) =>
  farm.client.call(routes.createRun, {
    body: {
      quantId: target.quantId,
      workloadId: target.workloadId,
      engine: "llama-cpp",
      backend: "cpu",
      ...over,
    },
  });
const on = (agent: TestAgent, at = 0) => ({ deviceId: agent.deviceIds[at] as string });
const why = (id: string) => farm.client.call(routes.readRunWhy, { params: { id } });

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it did not come to be");
}

describe("a long poll", () => {
  it("is answered as soon as there is work, over another replica too", async () => {
    const agent = await newAgent(farm);
    const second = await startTestFarm({ role: "api", replicaOf: farm });
    try {
      agent.url = second.url;
      const started = performance.now();
      const polling = agent.poll({ waitMs: 20_000 });
      await until(() => second.app.get(PollWaiters).count === 1);
      await createRun(on(agent));
      const reply = await polling;
      expect(reply.kind).toBe("offer");
      expect(performance.now() - started).toBeLessThan(4_000);
    } finally {
      await second.stop();
    }
  });

  it("ends with the wait, and takes no work for a caller that has gone", async () => {
    const agent = await newAgent(farm);
    expect(await agent.poll({ waitMs: 100 })).toMatchObject({ kind: "nothing" });
    const gone = new AbortController();
    const polling = agent.poll({ waitMs: 20_000, signal: gone.signal }).catch(() => "gone");
    await until(() => farm.app.get(PollWaiters).count === 1);
    gone.abort();
    expect(await polling).toBe("gone");
    await until(() => farm.app.get(PollWaiters).count === 0);
    const run = await createRun(on(agent));
    expect(run.state).toBe("queued");
    expect((await agent.claim()).runId).toBe(run.id);
  });

  it("is sent home when the control plane closes", async () => {
    const agent = await newAgent(farm);
    const second = await startTestFarm({ role: "api", replicaOf: farm });
    agent.url = second.url;
    const polling = agent.poll({ waitMs: 20_000 });
    await until(() => second.app.get(PollWaiters).count === 1);
    const started = performance.now();
    await second.stop();
    expect(await polling).toMatchObject({ kind: "nothing" });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("gives each of an agent's devices its own work, and each run to one device", async () => {
    const agent = await newAgent(farm, [
      description({ localId: "a" }),
      description({ localId: "b" }),
    ]);
    const { items } = await farm.client.call(routes.listDevices, {});
    const skuId = items.find((d) => d.id === agent.deviceIds[0])?.skuId as string;
    const runs = await Promise.all([createRun(on(agent, 0)), createRun(on(agent, 1))]);
    const offers = await Promise.all([agent.claim(), agent.claim()]);
    expect(new Set(offers.map((o) => o.deviceId))).toEqual(new Set(agent.deviceIds));
    expect(new Set(offers.map((o) => o.runId))).toEqual(new Set(runs.map((r) => r.id)));
    expect((await agent.poll()).kind).toBe("nothing");
    for (const offer of offers) {
      await agent.accept(offer);
      await agent.submit(offer, resultFor(offer));
    }
    const any = await createRun({ skuId });
    expect((await agent.claim()).runId).toBe(any.id);
  });

  it("takes urgent work first", async () => {
    const agent = await newAgent(farm);
    const nightly = await createRun({ ...on(agent), band: "nightly" });
    const urgent = await createRun({ ...on(agent), band: "interactive" });
    const first = await agent.take();
    expect(first.runId).toBe(urgent.id);
    await agent.submit(first, resultFor(first));
    expect((await agent.claim()).runId).toBe(nightly.id);
  });

  it("lets an agent rest whose devices are out of service, and says why", async () => {
    const agent = await newAgent(farm);
    await farm.client.call(routes.updateDevice, {
      params: { id: agent.deviceIds[0] as string },
      body: { quarantine: "manual", reason: "swollen battery" },
    });
    await createRun(on(agent));
    const reply = await agent.poll({ waitMs: 20_000 });
    expect(reply).toMatchObject({ kind: "sleep", reason: "bench laptop is quarantined" });
    expect(await agent.poll({ availability: "cooling" })).toMatchObject({ kind: "sleep" });
  });
});

describe("why a run waits", () => {
  it("is said from the predicate that decides", async () => {
    const agent = await newAgent(farm);
    await agent.poll();
    const first = await createRun(on(agent));
    expect((await why(first.id)).sentence).toMatch(/about to be offered: 1 device/);
    const offer = await agent.claim();
    expect((await why(first.id)).sentence).toMatch(/bench laptop works on it \(offered\)/);
    const second = await createRun(on(agent));
    const waiting = await why(second.id);
    expect(waiting.sentence).toMatch(/1 is busy with another run/);
    expect(waiting.candidates[0]).toMatchObject({
      deviceId: agent.deviceIds[0],
      reason: "is busy with another run",
    });
    const impossible = await createRun({ ...on(agent), backend: "cuda" });
    expect(impossible.state).toBe("queued");
    expect((await why(impossible.id)).sentence).toMatch(/No device can serve it.*backend cuda/);
    await agent.accept(offer);
    await agent.submit(offer, resultFor(offer));
    expect((await why(first.id)).sentence).toBe("It is done: succeeded (measured).");
  });
});

describe("creating a run", () => {
  it("refuses what the org does not have, and knows its own id again", async () => {
    const agent = await newAgent(farm);
    const id = newId("run");
    const run = await createRun({ ...on(agent), id });
    expect(run.id).toBe(id);
    expect((await createRun({ ...on(agent), id })).id).toBe(id);
    expect(await problemOf(createRun({ ...on(agent), id, backend: "cuda" }))).toBe("conflict");
    for (const wrong of [
      { ...on(agent), quantId: newId("quant") },
      { ...on(agent), workloadId: newId("workload") },
      { deviceId: newId("device") },
      { skuId: newId("sku") },
    ]) {
      expect(await problemOf(createRun(wrong))).toBe("invalid_request");
    }
  });

  it("lists runs by device, state and page", async () => {
    const agent = await newAgent(farm);
    const ids = [];
    for (let i = 0; i < 3; i += 1) ids.push((await createRun(on(agent))).id);
    const page = await farm.client.call(routes.listRuns, {
      query: { device: agent.deviceIds[0] as string, state: "queued", limit: 2 },
    });
    expect(page.items.map((r) => r.id)).toEqual([ids[2], ids[1]]);
    const rest = await farm.client.call(routes.listRuns, {
      query: { device: agent.deviceIds[0] as string, limit: 2, cursor: page.nextCursor as string },
    });
    expect(rest.items.map((r) => r.id)).toEqual([ids[0]]);
  });
});

describe("an agent that lost its memory, or half of it", () => {
  it("has what it does not report ended, and is told about what it does", async () => {
    const agent = await newAgent(farm, [
      description({ localId: "a" }),
      description({ localId: "b" }),
    ]);
    await createRun(on(agent, 0));
    await createRun(on(agent, 1));
    const [kept, forgotten] = [await agent.take(), await agent.take()];
    const report = (phase: "measuring", hasResult: boolean, offer = kept) => ({
      attemptId: offer.attemptId,
      epoch: offer.epoch,
      phase,
      hasResult,
    });
    const strange = {
      attemptId: newId("attempt"),
      epoch: 1,
      phase: "measuring" as const,
      hasResult: true,
    };
    const session = await agent.openSession([report("measuring", false), strange]);
    expect(session.attempts.map((a) => a.directive)).toEqual(["keep", "stop"]);
    const lost = await farm.client.call(routes.readRun, { params: { id: forgotten.runId } });
    expect(lost).toMatchObject({ state: "queued", chargedCount: 1 });
    expect(lost.attempts[0]).toMatchObject({ endReason: "agent_crash" });
    expect(await agent.beat(kept)).toMatchObject({ held: true });
    expect(await agent.beat(forgotten)).toMatchObject({ held: false });
    const synced = await agent.sync([report("measuring", true)]);
    expect(synced.attempts).toMatchObject([{ directive: "send_result" }]);
    const late = await agent.sync([
      report("measuring", false),
      report("measuring", true, forgotten),
    ]);
    expect(late.attempts.map((a) => a.directive)).toEqual(["keep", "send_result"]);
    await agent.submit(forgotten, resultFor(forgotten));
    const told = await agent.sync([
      report("measuring", false),
      report("measuring", true, forgotten),
    ]);
    expect(told.attempts.map((a) => a.directive)).toEqual(["keep", "stop"]);
  });
});

describe("the repair", () => {
  it("ends what waits too long for an agent to confirm its cancel", async () => {
    const agent = await newAgent(farm);
    const { id } = await createRun(on(agent));
    await agent.take();
    await farm.client.call(routes.cancelRun, { params: { id }, body: {} });
    await farm.database.prisma.run.update({ where: { id }, data: { nextCheckAt: new Date(0) } });
    expect(await farm.app.get(RepairRuns).repair()).toMatchObject({ cancels: 1, runs: 0 });
    const run = await farm.client.call(routes.readRun, { params: { id } });
    expect(run).toMatchObject({ state: "done", outcome: "canceled" });
  });

  it("requeues a run that nobody holds and frees its device", async () => {
    const agent = await newAgent(farm);
    const { id } = await createRun(on(agent));
    const offer = await agent.take();
    await farm.database.prisma.attempt.update({
      where: { id: offer.attemptId },
      data: { phase: "ended", endReason: "server_fault", endedAt: new Date(), nextCheckAt: null },
    });
    expect(await farm.app.get(RepairRuns).repair()).toMatchObject({ runs: 1, devices: 1 });
    expect((await agent.claim()).runId).toBe(id);
  });
});
