import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enrolAgent, Journal, runAgent, type DeviceHost } from "@benchfarm/agent-core";
import { FaultFarm, hostConformance } from "@benchfarm/agent-core/testing";
import { WorkloadSpec } from "@benchfarm/contracts";
import { llamaCppEngine, type ExecutionPlan } from "@benchfarm/engines";
import { makeFromRecipe, recipeOf } from "@benchfarm/gguf";
import { runCommand } from "./command-host.js";
import { createLocalHost } from "./local-host.js";
import { measureMemoryBandwidth, readMemoryBandwidth } from "./memory-bandwidth.js";
import { readLocalId } from "./machine-id.js";
import { endMarked, readStart } from "./process-mark.js";

const officialBench = process.env["LLAMA_BENCH"];
let folder: string;
let artifactPath: string;
const hosts: DeviceHost[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "local-host-"));
  artifactPath = join(folder, "artifact");
  await writeFile(artifactPath, "model");
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.dispose();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SCRIPTS: Record<string, string> = {
  print: "process.stdout.write('hello')",
  fail: "process.stderr.write('broken'); process.exit(3)",
  hang: "setInterval(() => undefined, 1000)",
  stubborn:
    "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000); console.log('up')",
  crash: "process.kill(process.pid, 'SIGSEGV'); setInterval(() => undefined, 1000)",
  flood:
    "for (let i = 0; i < 300; i++) process.stdout.write('x'.repeat(9999) + '\\n'); console.log('end')",
  env: "console.log(JSON.stringify(process.env))",
  grow: "const b = Buffer.alloc(200 << 20, 1); setTimeout(() => console.log(b.length), 1200)",
};
const plan = (script: string, env: Record<string, string> = {}): ExecutionPlan => ({
  kind: "process",
  program: "script",
  args: ["-e", SCRIPTS[script] ?? ""],
  env,
});
const local = (over: Partial<Parameters<typeof createLocalHost>[0]> = {}): DeviceHost => {
  const programs = {
    script: { command: process.execPath, args: [] },
    absent: { command: join(folder, "no-such-program"), args: [] },
  };
  const host = createLocalHost({ folder, programs, ...over });
  hosts.push(host);
  return host;
};
const options = (timeoutMs = 20_000) => ({
  timeoutMs,
  signal: new AbortController().signal,
  onStart: () => undefined,
});

describe("the local host", () => {
  const probes = {
    artifact: { sha256: "a".repeat(64), sizeBytes: 5, fileName: "m.gguf", path: "" },
    prints: { plan: plan("print"), stdout: "hello" },
    fails: { plan: plan("fail"), exitCode: 3 },
    hangs: plan("hang"),
    missing: { ...plan("print"), program: "absent" },
  };
  for (const { name, check } of hostConformance(probes)) {
    it(name, async () => {
      probes.artifact.path = artifactPath;
      await check(local());
    });
  }

  it("gives the signal of a crash, and stderr beside stdout", async () => {
    const crash = await local().exec(plan("crash"), options());
    expect(crash).toMatchObject({
      output: { exitCode: null, signal: "SIGSEGV", outOfMemory: null },
    });
    const fail = await local().exec(plan("fail"), options());
    expect(fail).toMatchObject({ output: { exitCode: 3, stderr: "broken" } });
  });

  it("keeps the end of an output without end, in bounded memory", async () => {
    const flood = await local().exec(plan("flood"), options());
    if (flood.kind !== "ended") throw new Error(flood.message);
    expect(flood.output.stdout.length).toBeLessThanOrEqual(1 << 20);
    expect(flood.output.stdout.trimEnd().endsWith("end")).toBe(true);
  });

  it("starts engines in a clean environment", async () => {
    process.env["GGML_TEST_LEAK"] = "1";
    process.env["NODE_OPTIONS"] = "--no-warnings";
    try {
      const execution = await local().exec(plan("env", { ENGINE_OWN: "2" }), options());
      if (execution.kind !== "ended") throw new Error(execution.message);
      const seen = JSON.parse(execution.output.stdout) as Record<string, string>;
      expect(seen).toMatchObject({ ENGINE_OWN: "2", LC_ALL: "C" });
      expect(seen).not.toHaveProperty("GGML_TEST_LEAK");
      expect(seen).not.toHaveProperty("NODE_OPTIONS");
    } finally {
      delete process.env["GGML_TEST_LEAK"];
      delete process.env["NODE_OPTIONS"];
    }
  });

  it("kills a process that does not listen, 10 s after asking", async () => {
    const startMs = performance.now();
    const stubborn = await local().exec(plan("stubborn"), options(500));
    expect(stubborn).toMatchObject({
      output: { signal: "SIGKILL", timedOut: true },
    });
    expect(stubborn.kind === "ended" && stubborn.output.outOfMemory).not.toBe(true);
    expect(performance.now() - startMs).toBeGreaterThan(10_000);
  });

  (process.platform === "linux" ? it : it.skip)(
    "reads the peak of a process's memory",
    async () => {
      const grow = await local().exec(plan("grow"), options());
      if (grow.kind !== "ended") throw new Error(grow.message);
      expect(grow.peakMemoryBytes).toBeGreaterThan(200 * 2 ** 20);
    },
  );

  it("ends a process that an agent before left, and never one that only has its pid", async () => {
    const orphan = spawn(process.execPath, ["-e", SCRIPTS["hang"] ?? ""], { stdio: "ignore" });
    const closed = new Promise((resolve) => orphan.once("close", (_, signal) => resolve(signal)));
    const pid = orphan.pid ?? 0;
    const startedAs = await readStart(pid, process.platform, runCommand);
    expect(startedAs).not.toBeNull();
    const end = (mark: { pid: number; startedAs: string | null }) =>
      endMarked(mark, process.platform, runCommand);
    expect(await end({ pid, startedAs: `${startedAs}0` })).toBe(false);
    expect(await end({ pid, startedAs: null })).toBe(false);
    await local().settle([{ pid, startedAs }]);
    expect(await closed).toBe("SIGKILL");
  });
});

describe("facts that are measured or made", () => {
  it("a bandwidth between a slow board's and the fastest server's", async () => {
    const reading = await measureMemoryBandwidth(1);
    expect(reading?.bytesPerSecond).toBeGreaterThan(5e8);
    expect(reading?.bytesPerSecond).toBeLessThan(5e12);
    expect(reading?.method).toMatch(/1 threads x \d+ MiB/);
  });

  it("the best of a few starts is kept, for this machine only", async () => {
    const own = await mkdtemp(join(tmpdir(), "bandwidth-"));
    try {
      let next = 10;
      const read = (machine: string) =>
        readMemoryBandwidth(own, [machine], 2, async () => ({
          bytesPerSecond: next,
          method: `m${next}`,
        }));
      expect((await read("a"))?.bytesPerSecond).toBe(10);
      next = 30;
      expect((await read("a"))?.method).toBe("m30");
      next = 20;
      for (let start = 0; start < 3; start += 1) await read("a");
      next = 99;
      expect((await read("a"))?.bytesPerSecond).toBe(30);
      expect((await read("b"))?.bytesPerSecond).toBe(99);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  it("a machine without an id gets one of its own that stays", async () => {
    const own = await mkdtemp(join(tmpdir(), "machine-id-"));
    try {
      const silent = async () => null;
      const one = await readLocalId(own, "darwin", silent);
      expect(await readLocalId(own, "darwin", silent)).toBe(one);
      expect(one).toMatch(/^machine-[0-9a-f]{32}$/);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });
});

const hasCore = existsSync(join(__dirname, "../../llama-core/dist/main.js"));

describe("a real measurement through the whole agent", () => {
  (hasCore ? it : it.skip)(
    "runs the engine, and after a crash ends what was left and says so",
    async () => {
      const own = await mkdtemp(join(tmpdir(), "whole-agent-"));
      const farm = await FaultFarm.start();
      const stopping = new AbortController();
      const host = createLocalHost({
        folder: own,
        gate: { maxCpuBusyFraction: null },
        ...(officialBench === undefined ? {} : { llamaBench: officialBench }),
      });
      try {
        const model = join(own, "model.gguf");
        const written = await makeFromRecipe(recipeOf("tiny-llama-test", "Q8_0"), model);
        farm.artifacts.set(written.sha256, new Uint8Array(await readFile(model)));
        await enrolAgent({ url: farm.url, code: "ABCD", folder: own, hosts: [host], name: "a" });
        const { localId } = (await host.describe()).device;

        // An agent before this one was killed in mid-run: its engine still lives.
        const crashed = farm.offer(localId);
        farm.offers.length = 0;
        const orphan = spawn(process.execPath, ["-e", SCRIPTS["hang"] ?? ""], { stdio: "ignore" });
        const orphanEnded = new Promise((resolve) => orphan.once("close", resolve));
        const journal = Journal.open(own);
        journal.recordOffer(crashed, 1);
        journal.recordAccepted(crashed.attemptId, Date.now());
        journal.recordPhase(crashed.attemptId, "measuring", Date.now());
        const pid = orphan.pid ?? 0;
        const startedAs = await readStart(pid, process.platform, runCommand);
        journal.recordChild(crashed.attemptId, { pid, startedAs }, Date.now());
        journal.close();

        const running = runAgent({
          url: farm.url,
          folder: own,
          hosts: [host],
          engines: [llamaCppEngine],
          signal: stopping.signal,
        });
        await orphanEnded;
        await farm.until("end of the crashed attempt", () => farm.ends.length === 1);
        expect(farm.ends[0]).toMatchObject({
          attemptId: crashed.attemptId,
          body: { endReason: "agent_crash" },
        });

        for (const workload of [
          { promptTokens: 32, generatedTokens: 0 },
          { promptTokens: 0, generatedTokens: 8, depthTokens: 16 },
          { promptTokens: 16, generatedTokens: 4 },
        ]) {
          farm.offer(localId, {
            engine: { adapter: "llama-cpp", version: null },
            workload: WorkloadSpec.parse({ ...workload, repetitions: 2 }),
            artifact: {
              sha256: written.sha256,
              sizeBytes: written.sizeBytes,
              fileName: "tiny.gguf",
              modelName: "tiny",
              quantName: "Q8_0",
              source: { kind: "file", fileName: "tiny.gguf" },
            },
          });
        }
        await farm.until("three ends", () => farm.ends.length === 4, 60_000);
        stopping.abort();
        await running;
        for (const { body } of farm.results) {
          expect(body.result).toMatchObject({
            failure: null,
            effectiveBackend: "cpu",
            modelSha256: written.sha256,
          });
          expect(body.result.samples).toHaveLength(3);
          expect(body.result.samples.every(({ totalNs }) => (totalNs ?? 0) > 0)).toBe(true);
          expect(body.result.samples[0]?.after?.memoryAvailableBytes).not.toBe(0);
          expect(body.result.backendEvidence.length).toBeGreaterThan(0);
        }
        expect(farm.callsOf("fetchArtifact")).toHaveLength(1);
      } finally {
        stopping.abort();
        await farm.stop();
        await rm(own, { recursive: true, force: true });
      }
    },
    90_000,
  );
});
