import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

jest.setTimeout(120_000);

const CORE = join(__dirname, "..", "device-agents", "llama-core", "bin", "llama-bench.mjs");

let farm: LiveFarm;
beforeEach(async () => {
  farm = await startLiveFarm();
});
afterEach(async () => {
  await farm.stop();
});

/** Long enough to be interrupted, short enough to be repeated. */
const LONG = { generatedTokens: 8, repetitions: 12, warmupRepetitions: 0 };

async function untilMeasuring(sweepId: string): Promise<void> {
  await until("a run to be measuring", async () => {
    const { items } = await farm.client.call(routes.listRuns, { query: { sweep: sweepId } });
    return items.find((run) => run.phase === "measuring") ?? null;
  });
}

test("an agent killed in mid-run: the run is measured again and both attempts can be seen", async () => {
  const agent = await farm.startAgent();
  await deviceOf(farm);
  const quant = await addModel(farm, "Q8_0");
  const sweep = await createSweep(farm, [quant.id], [LONG]);
  await untilMeasuring(sweep.id);
  await agent.kill();
  await farm.startAgent();
  const [run] = await runsOf(farm, sweep);
  expect(run?.outcome).toBe("succeeded");
  const detail = await farm.client.call(routes.readRun, { params: { id: run?.id ?? "" } });
  const endReasons = detail.attempts.map((attempt) => attempt.endReason);
  expect(endReasons.length).toBeGreaterThanOrEqual(2);
  expect(endReasons.filter((reason) => reason === "completed")).toHaveLength(1);
  for (const reason of endReasons) {
    expect(["completed", "lease_lost", "agent_crash"]).toContain(reason);
  }
  expect(detail.result?.samples.filter((sample) => !sample.warmup)).toHaveLength(12);
});

test("a control plane killed in mid-run and started again: the measurement is delivered, nothing is measured twice", async () => {
  await farm.startAgent();
  await deviceOf(farm);
  const quant = await addModel(farm, "Q8_0");
  const sweep = await createSweep(farm, [quant.id], [LONG]);
  await untilMeasuring(sweep.id);
  await farm.controlPlane.kill();
  await farm.restartControlPlane();
  const [run] = await runsOf(farm, sweep);
  expect(run?.outcome).toBe("succeeded");
  const { items } = await farm.client.call(routes.listResults, { query: { run: run?.id ?? "" } });
  expect(items.filter((result) => result.canonical)).toHaveLength(1);
});

test("a code works once; another agent with it is told so and ends", async () => {
  const code = await farm.newCode();
  await farm.startAgent({ code });
  await deviceOf(farm);
  const second = await farm.startAgent({ code, folder: "second" });
  expect(await second.ended).not.toBe(0);
  expect(second.output()).toMatch(/used/);
  const third = await farm.startAgent({ code: "ABCD-EFGH-JKLM-NPQR", folder: "third" });
  expect(await third.ended).not.toBe(0);
  expect(third.output()).toMatch(/unknown/);
});

test("a llama-bench that was named and does not work is refused, not quietly replaced", async () => {
  const agent = await farm.startAgent({ env: { BENCHFARM_LLAMA_BENCH: process.execPath } });
  expect(await agent.ended).not.toBe(0);
  expect(agent.output()).toContain("BENCHFARM_LLAMA_BENCH");
});

describe("an engine that fails becomes a visible failed cell with its reason", () => {
  const engines: [name: string, script: string, code: string][] = [
    ["exits with 3", "console.error('boom'); process.exit(3)", "engine_failed"],
    ["prints garbage", "console.log('{not json'); process.exit(0)", "unreadable_output"],
    ["is killed", "process.kill(process.pid, 'SIGKILL')", "engine_crashed"],
  ];
  test.each(engines)("%s", async (_name, script, code) => {
    // It works when the agent tries it out, and breaks before it is asked to measure.
    const program = join(farm.dataDir, "llama-bench");
    const broken = join(farm.dataDir, "broken");
    writeFileSync(
      program,
      `#!${process.execPath}
if (require("node:fs").existsSync(${JSON.stringify(broken)})) { ${script} }
else process.exit(require("node:child_process").spawnSync(process.execPath, [${JSON.stringify(CORE)}, ...process.argv.slice(2)], { stdio: "inherit" }).status);
`,
    );
    chmodSync(program, 0o755);
    await farm.startAgent({ env: { BENCHFARM_LLAMA_BENCH: program } });
    await deviceOf(farm);
    writeFileSync(broken, "");
    const quant = await addModel(farm, "Q8_0");
    const sweep = await createSweep(
      farm,
      [quant.id],
      [{ generatedTokens: 4, repetitions: 1, warmupRepetitions: 0 }],
    );
    const [run] = await runsOf(farm, sweep);
    expect(run?.outcome).toBe("failed");
    expect(run?.reason).toBeTruthy();
    const detail = await farm.client.call(routes.readRun, { params: { id: run?.id ?? "" } });
    expect(detail.result?.failure?.code).toBe(code);
    const cell = await until("the failed cell", async () =>
      farm.client.call(routes.readCell, { params: { key: detail.result?.cellKey ?? "" } }),
    );
    expect(cell.status).toBe("failed");
    expect(cell.failure?.code).toBe(code);
  });
});
