import { newId, routes } from "@benchfarm/contracts";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import {
  failureFor,
  newAgent,
  problemOf,
  resultFor,
  seedCatalogue,
  type TestAgent,
} from "./agent.fixture.js";
import { ExpireLeases } from "./expire-leases.js";

let farm: TestFarm;
let target: { quantId: string; sha256: string; workloadId: string };

beforeAll(async () => {
  farm = await startTestFarm({ role: "api", env: { BENCHFARM_REQUEUE_AFTER_LOSS_MS: "0" } });
  target = await seedCatalogue(farm);
});
afterAll(() => farm.stop());

async function createRun(agent: TestAgent, over: { maxAttempts?: number } = {}): Promise<string> {
  const run = await farm.client.call(routes.createRun, {
    body: {
      quantId: target.quantId,
      workloadId: target.workloadId,
      engine: "llama-cpp",
      backend: "cpu",
      deviceId: agent.deviceIds[0] as string,
      ...over,
    },
  });
  expect(run.state).toBe("queued");
  return run.id;
}

const read = (id: string) => farm.client.call(routes.readRun, { params: { id } });
const readDevice = (agent: TestAgent) =>
  farm.client.call(routes.readDevice, { params: { id: agent.deviceIds[0] as string } });
const cancel = (id: string) =>
  farm.client.call(routes.cancelRun, { params: { id }, body: { reason: "no longer wanted" } });

/** Lets an attempt's lease be over, and the farm look. */
async function loseLease(attemptId: string): Promise<void> {
  await farm.database.prisma.attempt.update({
    where: { id: attemptId },
    data: { leaseUntil: new Date(0) },
  });
  await farm.app.get(ExpireLeases).expire(attemptId);
}

/** Lets a requeued run be offered at once. */
async function skipDelay(runId: string): Promise<void> {
  await farm.database.prisma.run.update({ where: { id: runId }, data: { notBefore: new Date(0) } });
}

describe("a run", () => {
  it("goes from created to measured, with one event per transition", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const offer = await agent.claim();
    expect(offer).toMatchObject({ runId: id, epoch: 1, backend: "cpu", localId: "local-1" });
    expect((await readDevice(agent)).availability).toBe("leased");
    await agent.accept(offer);
    expect(await agent.beat(offer)).toMatchObject({ held: true, mustStop: false });
    expect((await read(id)).phase).toBe("measuring");
    const reply = await agent.submit(offer, resultFor(offer));
    expect(reply).toMatchObject({ canonical: true, fenced: false });
    const run = await read(id);
    expect(run).toMatchObject({ state: "done", outcome: "succeeded", resultId: reply.resultId });
    expect(run.result?.samples).toHaveLength(6);
    expect(run.attempts).toMatchObject([{ number: 1, phase: "ended", endReason: "completed" }]);
    expect(run.events.map((e) => e.kind)).toEqual([
      "run.done",
      "run.phase_changed",
      "run.accepted",
      "run.offered",
      "run.created",
    ]);
    expect((await readDevice(agent)).availability).toBe("cleaning");
    expect(await agent.end(offer, "completed")).toEqual({ ended: true });
    expect(await agent.poll()).toMatchObject({ kind: "nothing" });
    expect((await readDevice(agent)).availability).toBe("ready");
  });

  it("gives the same answers to ten repetitions at once of every call", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const other = await createRun(agent);
    const ten = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: 10 }, call));
    const claimId = newId("claim");
    const polls = await ten(() => agent.poll({ claimId }));
    const offers = polls.flatMap((p) => (p.kind === "offer" ? [p.assignment.attemptId] : []));
    expect(new Set(offers).size).toBe(1);
    const offer = await agent.claim({ claimId });
    expect(offer.attemptId).toBe(offers[0]);
    await ten(() => agent.accept(offer));
    await ten(() => agent.beat(offer));
    const submission = resultFor(offer);
    const results = await ten(() => agent.submit(offer, submission));
    expect(new Set(results.map((r) => JSON.stringify(r))).size).toBe(1);
    await ten(() => agent.end(offer, "completed"));
    const done = await read(offer.runId);
    expect(done.events.map((e) => e.kind).filter((kind) => kind !== "run.phase_changed")).toEqual([
      "run.done",
      "run.accepted",
      "run.offered",
      "run.created",
    ]);
    expect([id, other]).toContain(offer.runId);
    expect((await read(offer.runId === id ? other : id)).state).toBe("queued");
  });

  it("is fenced: other epochs, other claims and other agents are refused", async () => {
    const agent = await newAgent(farm);
    const stranger = await newAgent(farm);
    await createRun(agent);
    const offer = await agent.claim();
    expect(await problemOf(agent.accept(offer, offer.epoch + 1))).toBe("stale_lease");
    expect(await problemOf(agent.accept(offer, offer.epoch, newId("claim")))).toBe("stale_lease");
    expect(await problemOf(stranger.accept(offer))).toBe("not_found");
    expect(await problemOf(agent.submit(offer, resultFor(offer)))).toBe("stale_lease");
    await agent.accept(offer);
    expect(await agent.beat(offer, { epoch: 7 })).toMatchObject({ held: false, mustStop: true });
    expect(await stranger.beat(offer)).toMatchObject({ held: false, mustStop: true });
    expect(await problemOf(agent.submit(offer, resultFor(offer), 7))).toBe("stale_lease");
    expect(await problemOf(stranger.submit(offer, resultFor(offer)))).toBe("not_found");
    expect(await problemOf(agent.end(offer, "drained", 7))).toBe("stale_lease");
    expect(await problemOf(agent.end(offer, "run_failed"))).toBe("invalid_request");
    expect(await agent.beat(offer)).toMatchObject({ held: true });
  });

  it("keeps a second, different result as evidence and says so", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const offer = await agent.take();
    const first = await agent.submit(offer, resultFor(offer));
    expect(await problemOf(agent.submit(offer, resultFor(offer)))).toBe("conflicting_result");
    const stored = await farm.database.prisma.result.findMany({ where: { runId: id } });
    expect(stored.map((r) => r.canonical).sort()).toEqual([false, true]);
    expect((await read(id)).resultId).toBe(first.resultId);
  });

  it.each(["out_of_memory", "unsupported", "engine_crashed", "timed_out"] as const)(
    "that fails with %s is done at once, and visible",
    async (code) => {
      const agent = await newAgent(farm);
      const id = await createRun(agent);
      const offer = await agent.take();
      await agent.submit(offer, failureFor(offer, code));
      const run = await read(id);
      expect(run).toMatchObject({
        state: "done",
        outcome: code === "timed_out" ? "timed_out" : "failed",
      });
      expect(run.reason).toContain(code);
      expect(run.result).toMatchObject({ status: "failed", failure: { code }, canonical: true });
      expect(run.result?.cellKey).toMatch(/^[0-9a-f]{64}$/);
    },
  );

  it("that fails in passing is tried again within its budget, then fails visibly", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent, { maxAttempts: 2 });
    const first = await agent.take();
    await agent.submit(first, failureFor(first, "disk_full"));
    expect(await read(id)).toMatchObject({ state: "queued", dispatchCount: 1, chargedCount: 0 });
    expect((await agent.poll()).kind).toBe("nothing");
    await skipDelay(id);
    const second = await agent.take();
    expect(second.epoch).toBe(first.epoch + 1);
    await agent.submit(second, failureFor(second, "disk_full"));
    const run = await read(id);
    expect(run).toMatchObject({ state: "done", outcome: "failed" });
    expect(run.result?.failure?.code).toBe("disk_full");
  });

  it("is offered again when its offer lapses, at no cost", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const offer = await agent.claim();
    await loseLease(offer.attemptId);
    expect(await read(id)).toMatchObject({ state: "queued", chargedCount: 0, dispatchCount: 1 });
    expect(await problemOf(agent.accept(offer))).toBe("stale_lease");
    expect((await agent.poll({ claimId: offer.claimId })).kind).toBe("nothing");
    expect((await agent.claim()).runId).toBe(id);
  });

  it("whose leases are lost ends with a reason and a failed result", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent, { maxAttempts: 2 });
    for (const charged of [1, 2]) {
      const offer = await agent.take();
      await loseLease(offer.attemptId);
      expect((await readDevice(agent)).availability).toBe("unreachable");
      expect((await read(id)).chargedCount).toBe(charged);
      expect(await agent.beat(offer)).toMatchObject({ held: false, mustStop: true });
    }
    const run = await read(id);
    expect(run).toMatchObject({ state: "done", outcome: "infra_error" });
    expect(run.reason).toContain("2 of 2 attempts were lost");
    expect(run.result?.failure).toMatchObject({ code: "device_lost" });
    const late = await farm.database.prisma.attempt.findFirstOrThrow({
      where: { runId: id },
      orderBy: { number: "desc" },
    });
    expect(late.endReason).toBe("lease_lost");
  });

  it("is renewed by a heartbeat that is faster than the expiry", async () => {
    const agent = await newAgent(farm);
    await createRun(agent);
    const offer = await agent.take();
    await farm.database.prisma.attempt.update({
      where: { id: offer.attemptId },
      data: { leaseUntil: new Date(0) },
    });
    const [beat, expired] = await Promise.all([
      agent.beat(offer),
      farm.app.get(ExpireLeases).expire(offer.attemptId),
    ]);
    expect(beat.held).toBe(!expired);
    const later = await farm.app.get(ExpireLeases).expire(offer.attemptId);
    expect(later).toBe(false);
    expect((await agent.beat(offer)).held).toBe(beat.held);
  });

  it("covers a quiet window that the agent announced", async () => {
    const agent = await newAgent(farm);
    await createRun(agent);
    const offer = await agent.take();
    const beat = await agent.beat(offer, { quietMs: 300_000 });
    const plain = await agent.beat(offer);
    const aheadMs = Date.parse(beat.leaseUntil as string) - Date.now();
    expect(aheadMs).toBeGreaterThan(340_000);
    expect(plain.leaseUntil).toBe(beat.leaseUntil);
  });
});

describe("a late result", () => {
  it("counts while nobody newer has begun, and withdraws the pending offer", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const lost = await agent.take();
    await loseLease(lost.attemptId);
    const pending = await agent.claim();
    const reply = await agent.submit(lost, resultFor(lost));
    expect(reply).toMatchObject({ canonical: true, fenced: true });
    expect(await read(id)).toMatchObject({ state: "done", outcome: "succeeded" });
    expect(await problemOf(agent.accept(pending))).toBe("run_gone");
    expect((await read(id)).attempts.map((a) => a.endReason)).toEqual(["lease_lost", "canceled"]);
    expect(
      await agent
        .submit(lost, resultFor(lost, { resultId: newId("result") }))
        .catch((e: { code: string }) => e.code),
    ).toBe("conflicting_result");
  });

  it("ends a queued run", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const lost = await agent.take();
    await loseLease(lost.attemptId);
    const submission = resultFor(lost);
    const first = await agent.submit(lost, submission);
    expect(first).toMatchObject({ canonical: true, fenced: true });
    expect(await agent.submit(lost, submission)).toEqual(first);
    expect(await read(id)).toMatchObject({ state: "done", resultId: first.resultId });
  });

  it("is only evidence once a newer attempt has begun", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const lost = await agent.take();
    await loseLease(lost.attemptId);
    const newer = await agent.take();
    const late = await agent.submit(lost, resultFor(lost));
    expect(late).toMatchObject({ canonical: false, fenced: true });
    const result = await agent.submit(newer, resultFor(newer));
    expect(result).toMatchObject({ canonical: true, fenced: false });
    expect(await read(id)).toMatchObject({ state: "done", resultId: result.resultId });
  });

  it("is kept when its run is over", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent, { maxAttempts: 1 });
    const lost = await agent.take();
    await loseLease(lost.attemptId);
    expect((await read(id)).outcome).toBe("infra_error");
    const submission = resultFor(lost);
    const late = await agent.submit(lost, submission);
    expect(late).toMatchObject({ canonical: false, fenced: true });
    expect(await agent.submit(lost, submission)).toEqual(late);
    expect(await read(id)).toMatchObject({ state: "done", outcome: "infra_error" });
    const kept = await farm.client.call(routes.readResult, { params: { id: late.resultId } });
    expect(kept.samples).toHaveLength(6);
  });
});

describe("canceling a run", () => {
  it("ends it at once while it is queued, and again changes nothing", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    expect(await cancel(id)).toMatchObject({ state: "done", outcome: "canceled" });
    expect(await cancel(id)).toMatchObject({ state: "done", outcome: "canceled" });
    expect((await agent.poll()).kind).toBe("nothing");
  });

  it("withdraws an offer", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const offer = await agent.claim();
    expect(await cancel(id)).toMatchObject({ state: "done", outcome: "canceled" });
    expect(await problemOf(agent.accept(offer))).toBe("run_gone");
    expect((await readDevice(agent)).availability).toBe("ready");
  });

  it.each(["preparing", "gating", "measuring", "finalizing"] as const)(
    "stops the agent while it is %s, and is done when it says so",
    async (phase) => {
      const agent = await newAgent(farm);
      const id = await createRun(agent);
      const offer = await agent.take();
      await agent.beat(offer, { phase });
      expect((await cancel(id)).state).toBe("canceling");
      expect(await agent.beat(offer, { phase })).toMatchObject({ held: true, mustStop: true });
      await agent.end(offer, "canceled");
      expect(await read(id)).toMatchObject({ state: "done", outcome: "canceled" });
      expect((await readDevice(agent)).availability).toBe("cleaning");
    },
  );

  it("that comes too late leaves the result", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const offer = await agent.take();
    await cancel(id);
    await agent.submit(offer, resultFor(offer));
    expect(await read(id)).toMatchObject({ state: "done", outcome: "succeeded" });
    expect(await cancel(id)).toMatchObject({ outcome: "succeeded" });
  });
});

describe("a control plane that is replaced in mid-run", () => {
  it("goes on where the other left off", async () => {
    const agent = await newAgent(farm);
    const id = await createRun(agent);
    const offer = await agent.take();
    const second = await startTestFarm({ role: "api", replicaOf: farm });
    try {
      agent.url = second.url;
      expect(await agent.beat(offer)).toMatchObject({ held: true });
      const held = { attemptId: offer.attemptId, epoch: offer.epoch, phase: "measuring" as const };
      const session = await agent.openSession([{ ...held, hasResult: false }]);
      expect(session.attempts).toMatchObject([{ directive: "keep" }]);
      await agent.submit(offer, resultFor(offer));
    } finally {
      await second.stop();
    }
    expect(await read(id)).toMatchObject({ state: "done", outcome: "succeeded", dispatchCount: 1 });
  });
});
