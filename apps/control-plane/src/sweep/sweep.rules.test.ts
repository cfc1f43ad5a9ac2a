import { CreateSweep } from "@benchfarm/contracts";
import {
  distinctWorkloads,
  expandTargets,
  inBatches,
  planSweep,
  progressOf,
  sweepDigest,
  type Selection,
} from "./sweep.rules.js";

const spec = CreateSweep.parse({
  name: "nightly",
  engines: [
    { engine: "llama-cpp", backend: "cpu" },
    { engine: "llama-cpp", backend: "vulkan" },
    { engine: "llama-cpp", backend: "cpu" },
  ],
  workloads: [
    { promptTokens: 64, generatedTokens: 0 },
    { promptTokens: 0, generatedTokens: 32 },
    { promptTokens: 64, generatedTokens: 0, repetitions: 5 },
  ],
});
const selection: Selection = {
  devices: [
    { id: "d1", name: "laptop", engines: [{ adapter: "llama-cpp", backends: ["cpu", "vulkan"] }] },
    { id: "d2", name: "board", engines: [{ adapter: "llama-cpp", backends: ["cpu"] }] },
    { id: "d3", name: "phone", engines: [{ adapter: "litert", backends: ["cpu"] }] },
  ],
  inactiveDevices: [{ name: "old", lifecycle: "retired" }],
  quantIds: ["q1", "q2"],
};

test("only pairs that can work are counted, the others say why; repeated wishes count once", () => {
  const plan = planSweep(spec, selection);
  expect(plan.serving.map(({ engine, deviceId }) => `${deviceId} ${engine.backend}`)).toEqual([
    "d1 cpu",
    "d2 cpu",
    "d1 vulkan",
  ]);
  expect(plan.runCount).toBe(3 * 2 * 2);
  expect(plan.unserved).toEqual([
    { combination: "old", reason: "the device is retired; set it active first" },
    {
      combination: "phone with llama-cpp on cpu",
      reason: "the device has no llama-cpp; it has litert",
    },
    {
      combination: "board with llama-cpp on vulkan",
      reason: "llama-cpp offers no vulkan there; it offers cpu",
    },
    {
      combination: "phone with llama-cpp on vulkan",
      reason: "the device has no llama-cpp; it has litert",
    },
  ]);
});

test("an empty selection is no run and a reason", () => {
  const plan = planSweep(spec, { devices: [], inactiveDevices: [], quantIds: [] });
  expect(plan.runCount).toBe(0);
  expect(plan.unserved.map((row) => row.combination)).toEqual(["all devices", "all quants"]);
});

test("the expansion is as long as was counted, without doubles, quant by quant, and lazy", () => {
  const plan = planSweep(spec, selection);
  const workloadIds = distinctWorkloads(spec).map((_, i) => `w${i}`);
  const targets = [...expandTargets(plan, selection.quantIds, workloadIds)];
  expect(targets).toHaveLength(plan.runCount);
  expect(new Set(targets.map((target) => JSON.stringify(target))).size).toBe(plan.runCount);
  expect(targets.slice(0, 6).every((target) => target.quantId === "q1")).toBe(true);
  const endless = {
    *[Symbol.iterator]() {
      for (let i = 0; ; i += 1) yield `q${i}`;
    },
  } as unknown as string[];
  const [first] = inBatches(expandTargets(plan, endless, workloadIds), 1000);
  expect(first).toHaveLength(1000);
});

test("batches hold everything in order", () => {
  expect([...inBatches([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  expect([...inBatches([], 2)]).toEqual([]);
});

test("the digest is of what is asked, not of the id or of asking dry", () => {
  const other = { ...spec, id: "swp_1", dryRun: true };
  expect(sweepDigest(other)).toBe(sweepDigest(spec));
  expect(sweepDigest({ ...spec, name: "other" })).not.toBe(sweepDigest(spec));
});

test("counts add up, canceling runs are being worked on, and nothing left is no time left", () => {
  const counts = [
    { state: "queued", outcome: null, count: 3 },
    { state: "active", outcome: null, count: 1 },
    { state: "canceling", outcome: null, count: 1 },
    { state: "done", outcome: "succeeded", count: 4 },
    { state: "done", outcome: "failed", count: 1 },
  ] as const;
  expect(progressOf(counts, 5000)).toEqual({
    total: 10,
    blocked: 0,
    queued: 3,
    active: 2,
    done: 5,
    outcomes: { succeeded: 4, failed: 1 },
    remainingMs: 5000,
  });
  expect(progressOf(counts, null).remainingMs).toBeNull();
  expect(progressOf(counts.slice(3), null).remainingMs).toBe(0);
});
