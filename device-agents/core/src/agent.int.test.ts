import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkloadSpec } from "@benchfarm/contracts";
import { fakeEngine } from "@benchfarm/engines/testing";
import { runAgent, type AgentOptions } from "./agent.js";
import type { AgentEvent } from "./agent-event.js";
import { AgentStopped } from "./agent-failure.js";
import { enrolAgent, isEnrolled } from "./enrol.js";
import { FakeHost, NO_CONDITIONS } from "./testing/fake-host.js";
import { FaultFarm } from "./testing/fault-farm.js";

let farm: FaultFarm;
let folder: string;
let stopping: AbortController;
let running: Promise<void> | null;
const events: AgentEvent[] = [];

beforeEach(async () => {
  farm = await FaultFarm.start();
  folder = await mkdtemp(join(tmpdir(), "agent-"));
  stopping = new AbortController();
  running = null;
  events.length = 0;
});

afterEach(async () => {
  stopping.abort();
  await running?.catch(() => undefined);
  await farm.stop();
  await rm(folder, { recursive: true, force: true });
});

async function enrol(host: FakeHost): Promise<void> {
  await enrolAgent({ url: farm.url, code: "ABCD-EFGH", folder, hosts: [host], name: "agent" });
}

function start(host: FakeHost, over: Partial<AgentOptions> = {}): Promise<void> {
  running = runAgent({
    url: farm.url,
    folder,
    hosts: [host],
    engines: [fakeEngine],
    signal: stopping.signal,
    onProgress: (event) => events.push(event),
    ...over,
  });
  running.catch(() => undefined);
  return running;
}

async function stop(): Promise<void> {
  stopping.abort();
  await running;
  stopping = new AbortController();
}

const sessionOpened = () => farm.until("session", () => farm.callsOf("openSession").length > 0);

describe("an agent and its farm", () => {
  it("enrols, works an offer off and hands in raw samples", async () => {
    const host = new FakeHost();
    await enrol(host);
    expect(await isEnrolled(folder, `${farm.url}/`)).toBe(true);
    void start(host);
    await sessionOpened();
    const offered = farm.offer("fake-0");
    await farm.until("end", () => farm.ends.length === 1);
    const order = farm.calls.map(({ name }) => name).filter((name) => name !== "pollWork");
    expect(order.slice(0, 3)).toEqual(["enrolAgent", "openSession", "acceptAttempt"]);
    const [submitted] = farm.results;
    expect(submitted).toMatchObject({
      attemptId: offered.attemptId,
      body: {
        epoch: 1,
        result: {
          failure: null,
          effectiveBackend: "cpu",
          modelSha256: offered.artifact.sha256,
          engine: { adapter: "fake" },
          settings: { threads: 4 },
        },
      },
    });
    const samples = submitted?.body.result.samples ?? [];
    expect(samples.map(({ warmup }) => warmup)).toEqual([true, false, false, false]);
    expect(samples.map(({ promptNs }) => promptNs)).toEqual([
      8_000_000, 8_080_000, 8_160_000, 8_240_000,
    ]);
    expect(samples.every((sample) => sample.gateMs !== null && sample.before !== null)).toBe(true);
    expect(farm.ends[0]?.body).toMatchObject({ endReason: "completed", epoch: 1 });
    expect(host.settled.length).toBeGreaterThanOrEqual(2);
    await stop();
    expect(events.map(({ kind }) => kind)).toContain("attempt_ended");
    expect(host.isDisposed).toBe(true);
  });

  it("goes on measuring until the minimum time is reached", async () => {
    const host = new FakeHost();
    await enrol(host);
    void start(host);
    await sessionOpened();
    const workload = WorkloadSpec.parse({
      promptTokens: 10,
      generatedTokens: 0,
      repetitions: 2,
      warmupRepetitions: 0,
      minimumMeasuredMs: 45,
    });
    farm.offer("fake-0", { workload });
    await farm.until("result", () => farm.results.length === 1);
    expect(farm.results[0]?.body.result.samples).toHaveLength(5);
  });

  it("never starts without the farm's yes", async () => {
    const host = new FakeHost();
    await enrol(host);
    void start(host);
    await sessionOpened();
    farm.inject("acceptAttempt", { kind: "problem", code: "stale_lease" });
    farm.offer("fake-0");
    await farm.until("accept refused and polled again", () => {
      const polls = farm.calls.filter(({ name }) => name === "pollWork").length;
      return polls > 3;
    });
    expect(host.executions).toBe(0);
    const next = farm.offer("fake-0");
    await farm.until("end", () => farm.ends.length === 1);
    expect(farm.ends[0]?.attemptId).toBe(next.attemptId);
  });

  it.each(["acceptAttempt", "submitResult", "endAttempt"] as const)(
    "repeats %s when its reply is lost",
    async (name) => {
      const host = new FakeHost();
      await enrol(host);
      void start(host);
      await sessionOpened();
      farm.inject(name, { kind: "drop_reply" });
      farm.offer("fake-0");
      await farm.until("end", () => farm.ends.length >= 1);
      await farm.until("repeat", () => farm.callsOf(name).length === 2);
      const [one, two] = farm.callsOf(name);
      expect(two?.body).toEqual(one?.body);
      expect(host.executions).toBe(4);
    },
  );

  it("asks with the same claim after a lost poll, and with a new one after an answer", async () => {
    const host = new FakeHost();
    await enrol(host);
    farm.inject("pollWork", { kind: "drop_reply" });
    void start(host);
    await farm.until("polls", () => farm.callsOf("pollWork").length >= 3);
    const claims = farm
      .callsOf("pollWork")
      .map(({ body }) => (body as { claimId: string }).claimId);
    expect(claims[1]).toBe(claims[0]);
    expect(claims[2]).not.toBe(claims[1]);
  });

  it.each<["problem" | "status", string]>([
    ["problem", "session_unknown"],
    ["problem", "internal"],
    ["problem", "unavailable"],
    ["status", "502"],
  ])("survives a poll answered by %s %s", async (kind, what) => {
    const host = new FakeHost();
    await enrol(host);
    farm.inject(
      "pollWork",
      kind === "problem"
        ? { kind, code: what as "internal" }
        : { kind: "status", status: Number(what) },
    );
    void start(host);
    await sessionOpened();
    farm.offer("fake-0");
    await farm.until("end", () => farm.ends.length === 1);
    const sessions = farm.callsOf("openSession").length;
    expect(sessions).toBe(what === "session_unknown" ? 2 : 1);
  });

  it("stops with a reason when the farm finds it too old, or does not know its key", async () => {
    const host = new FakeHost();
    await enrol(host);
    farm.inject("openSession", { kind: "problem", code: "agent_outdated" });
    await expect(start(host)).rejects.toMatchObject({ name: "AgentStopped", reason: "outdated" });
    farm.inject("openSession", { kind: "problem", code: "signature_invalid" });
    await expect(start(host)).rejects.toMatchObject({ reason: "refused" });
  });

  it("does not run unenrolled, nor twice in one folder", async () => {
    const host = new FakeHost();
    await expect(start(host)).rejects.toBeInstanceOf(AgentStopped);
    await enrol(host);
    void start(host);
    await sessionOpened();
    const second = runAgent({
      url: farm.url,
      folder,
      hosts: [new FakeHost()],
      engines: [fakeEngine],
      signal: stopping.signal,
    });
    await expect(second).rejects.toMatchObject({ reason: "folder_in_use" });
  });
});

describe("a running attempt", () => {
  it("is stopped and given back when the farm cancels it", async () => {
    const host = new FakeHost({ behave: () => null });
    await enrol(host);
    farm.timers.maxQuietMs = 100;
    void start(host);
    await sessionOpened();
    farm.offer("fake-0");
    await farm.until("heartbeat", () => farm.callsOf("heartbeat").length >= 1);
    farm.heartbeatAnswer = { held: true, mustStop: true, reason: "cancelled by a person" };
    await farm.until("end", () => farm.ends.length === 1);
    expect(farm.ends[0]?.body).toMatchObject({
      endReason: "canceled",
      detail: "cancelled by a person",
    });
    expect(farm.results).toHaveLength(0);
  });

  it("is stopped without a word when its lease is lost", async () => {
    const host = new FakeHost({ behave: () => null });
    await enrol(host);
    farm.timers.maxQuietMs = 100;
    void start(host);
    await sessionOpened();
    farm.heartbeatAnswer = { held: false, mustStop: false, reason: "expired" };
    farm.offer("fake-0");
    await farm.until("next poll", () => {
      const last = farm.calls.map(({ name }) => name).lastIndexOf("heartbeat");
      return last > 0 && farm.calls.slice(last).some(({ name }) => name === "pollWork");
    });
    expect(farm.ends).toHaveLength(0);
    expect(farm.results).toHaveLength(0);
    expect(events.find(({ kind }) => kind === "attempt_ended")).toMatchObject({
      endReason: "lease_lost",
    });
  });

  it("is given back when the agent ends", async () => {
    const host = new FakeHost({ behave: () => null });
    await enrol(host);
    void start(host);
    await sessionOpened();
    farm.offer("fake-0");
    await farm.until("heartbeat", () => farm.callsOf("heartbeat").length >= 1);
    await stop();
    expect(farm.ends[0]?.body).toMatchObject({ endReason: "drained" });
  });

  it("announces its silence before it measures, and keeps it", async () => {
    const host = new FakeHost({ repetitionMs: 300 });
    await enrol(host);
    void start(host);
    await sessionOpened();
    farm.offer("fake-0");
    await farm.until("end", () => farm.ends.length === 1);
    const beats = farm
      .callsOf("heartbeat")
      .map(({ body }) => (body as { attempts: [{ quietMs: number }] }).attempts[0].quietMs);
    expect(beats[0]).toBe(5_000);
    // Four repetitions of 300 ms with a heartbeat every 40 ms would be about thirty.
    expect(beats.length).toBeLessThanOrEqual(12);
  });

  it("ends offline and is delivered when the farm is back, in order", async () => {
    const host = new FakeHost({ repetitionMs: 30 });
    await enrol(host);
    void start(host);
    await sessionOpened();
    farm.inject("submitResult", { kind: "drop_request" }, 2);
    farm.inject("heartbeat", { kind: "drop_request" }, 3);
    farm.inject("endAttempt", { kind: "problem", code: "unavailable" });
    farm.offer("fake-0");
    await farm.until("end", () => farm.ends.length === 1, 20_000);
    expect(farm.results).toHaveLength(1);
    expect(farm.results[0]?.body.result.failure).toBeNull();
  });

  it("keeps a result that the farm refuses, and goes on", async () => {
    const host = new FakeHost();
    await enrol(host);
    void start(host);
    await sessionOpened();
    farm.inject("submitResult", { kind: "problem", code: "stale_lease" });
    farm.inject("endAttempt", { kind: "problem", code: "run_gone" });
    farm.offer("fake-0");
    farm.offer("fake-0");
    await farm.until("second end", () => farm.ends.length === 1);
    expect(farm.results).toHaveLength(1);
  });
});

describe("what goes wrong in a measurement", () => {
  const measureOnce = async (host: FakeHost, over: Parameters<FaultFarm["offer"]>[1] = {}) => {
    await enrol(host);
    void start(host);
    await sessionOpened();
    farm.offer("fake-0", over);
    await farm.until("end", () => farm.ends.length === 1);
    const result = farm.results[0]?.body.result;
    return { result, code: result?.failure?.code, endReason: farm.ends[0]?.body.endReason };
  };

  it.each([
    [{ exitCode: 3, stdout: "" }, "engine_failed", "run_failed"],
    [{ exitCode: null, signal: "SIGSEGV" }, "engine_crashed", "run_failed"],
    [{ stdout: "garbage" }, "unreadable_output", "run_failed"],
    [{ outOfMemory: true, exitCode: null, signal: "SIGKILL" }, "out_of_memory", "run_failed"],
  ])("engine: %j is %s", async (behaviour, code, endReason) => {
    const host = new FakeHost({ behave: (repetition) => (repetition < 2 ? {} : behaviour) });
    const outcome = await measureOnce(host);
    expect(outcome).toMatchObject({ code, endReason });
    expect(outcome.result?.samples).toHaveLength(2);
  });

  it("a repetition that hangs is timed out", async () => {
    const limits = { prepareMs: 1_000, gateMs: 500, measureMs: 20_000, repetitionMs: 100 };
    const outcome = await measureOnce(new FakeHost({ behave: () => null }), { limits });
    expect(outcome).toMatchObject({ code: "timed_out", endReason: "timed_out" });
  });

  it("a device that never gets quiet fails visibly, and the wait is no measured time", async () => {
    const sensors = () => ({ ...NO_CONDITIONS, cpuBusyFraction: 0.9 });
    const limits = { prepareMs: 1_000, gateMs: 100, measureMs: 20_000, repetitionMs: 1_000 };
    const host = new FakeHost({ sensors, maxCpuBusyFraction: 0.3 });
    const outcome = await measureOnce(host, { limits });
    expect(outcome).toMatchObject({ code: "gate_timeout", endReason: "gate_timeout" });
    expect(outcome.result?.failure?.message).toMatch(/90 %/);
    expect(outcome.result?.phasesMs.gateMs).toBeGreaterThanOrEqual(100);
    expect(outcome.result?.phasesMs.measureMs).toBeNull();
  });

  it.each([
    [{ engine: { adapter: "none", version: null } }, "engine_missing"],
    [{ backend: "cuda" as const }, "unsupported"],
  ])("an offer that does not fit the device: %j is %s", async (over, code) => {
    expect(await measureOnce(new FakeHost(), over)).toMatchObject({ code });
  });

  it("a model file that the farm does not have, or whose bytes are wrong", async () => {
    const artifact = {
      sha256: "0".repeat(64),
      sizeBytes: 5,
      fileName: "x",
      modelName: "x",
      quantName: "x",
      source: { kind: "file" as const, fileName: "x" },
    };
    farm.artifacts.set("1".repeat(64), new TextEncoder().encode("wrong"));
    const missing = await measureOnce(new FakeHost(), { artifact });
    expect(missing).toMatchObject({ code: "artifact_unavailable" });
    farm.offer("fake-0", { artifact: { ...artifact, sha256: "1".repeat(64) } });
    await farm.until("end", () => farm.ends.length === 2);
    expect(farm.results[1]?.body.result.failure?.code).toBe("artifact_corrupt");
  });
});
