import { WorkloadSpec, type DeviceEngine } from "@benchfarm/contracts";
import type { EngineTask } from "../engine.js";
import { planBench, supportsBench } from "./plan-bench.js";

const embedded: DeviceEngine = {
  adapter: "llama-cpp",
  name: "llama.cpp",
  version: "v0.4.0",
  build: "0".repeat(64),
  program: "benchfarm-llama-bench",
  backends: ["cpu"],
};
const official: DeviceEngine = { ...embedded, version: "b5163", program: "llama-bench" };

function task(workload: object, over: Partial<EngineTask> = {}): EngineTask {
  return {
    workload: WorkloadSpec.parse({ promptTokens: 512, generatedTokens: 0, ...workload }),
    modelPath: "/cache/model",
    backend: "cpu",
    threads: 4,
    repetition: 0,
    engine: embedded,
    ...over,
  };
}
const flags = (asked: EngineTask) => planBench(asked).args.join(" ");

describe("a plan for llama-bench", () => {
  it("is one repetition with every setting that is part of the key", () => {
    expect(flags(task({ depthTokens: 64, flashAttention: "on", cacheTypeK: "q8_0" }))).toBe(
      "-m /cache/model -p 512 -n 0 -d 64 -r 1 -t 4 -b 2048 -ub 512 -ngl 0 -fa 1 -ctk q8_0 -ctv f16 -o jsonl",
    );
  });

  it("makes one test of prompt and generation together", () => {
    expect(flags(task({ generatedTokens: 128 }))).toContain("-p 0 -n 0 -pg 512,128");
    expect(flags(task({ promptTokens: 0, generatedTokens: 128 }))).toContain("-p 0 -n 128 -d 0");
  });

  it("leaves threads and flash attention to the engine when they are open", () => {
    const args = planBench(task({}, { threads: null })).args;
    expect(args).not.toContain("-t");
    expect(args).not.toContain("-fa");
  });

  it("asks llama.cpp's own program for its log, and hides the GPU from a run on the CPU", () => {
    expect(flags(task({}, { engine: official }))).toMatch(/-v$/);
    expect(flags(task({}, { engine: official }))).not.toContain("-dev");
    const withGpu = { ...official, backends: ["cpu" as const, "cuda" as const] };
    expect(flags(task({}, { engine: withGpu }))).toContain("-ngl 0 -dev none");
    expect(flags(task({}, { engine: withGpu, backend: "cuda" }))).toContain("-ngl 999");
    expect(flags(task({}, { engine: withGpu, backend: "cuda" }))).not.toContain("-dev");
  });
});

describe("support", () => {
  it.each([
    [task({}), "supported"],
    [task({}, { backend: "cuda" }), "unsupported"],
    [task({ cacheTypeV: "q9_9" }), "unsupported"],
    [task({ profile: "energy" }), "unsupported"],
    [task({ profile: "sustained" }), "supported"],
  ])("is told before anything runs (%#)", (asked, kind) => {
    const support = supportsBench(asked);
    expect(support.kind).toBe(kind);
    if (support.kind === "unsupported") expect(support.reason.length).toBeGreaterThan(20);
  });
});
