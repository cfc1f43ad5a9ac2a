import type { ExecutionPlan } from "@benchfarm/engines";
import { FakeHost } from "./fake-host.js";
import { FaultFarm } from "./fault-farm.js";
import { hostConformance } from "./host-conformance.js";
import { SimulatedAgent } from "./simulated-agent.js";

const plan = (program: string, stdout = ""): ExecutionPlan => ({
  kind: "process",
  program,
  args: ["/models/m.gguf", stdout],
  env: {},
});

describe("the fake host", () => {
  const probes = {
    artifact: { sha256: "0".repeat(64), sizeBytes: 1, path: "/nowhere", fileName: "m.gguf" },
    prints: { plan: plan("fake-engine", "hello"), stdout: "hello" },
    fails: { plan: plan("fake-engine", "exit 3"), exitCode: 3 },
    hangs: plan("fake-engine", "hang"),
    missing: plan("llama-bench"),
  };
  for (const { name, check } of hostConformance(probes)) {
    it(name, async () => {
      const host = new FakeHost({
        behave: (_, { args }) => {
          if (args[1] === "hang") return null;
          return args[1] === "exit 3" ? { exitCode: 3 } : {};
        },
      });
      await check(host);
      await host.dispose();
    });
  }

  it("says that its device is simulated", async () => {
    expect((await new FakeHost().describe()).device.simulated).toBe(true);
  });
});

describe("the simulated agent", () => {
  it("speaks the whole cycle", async () => {
    const farm = await FaultFarm.start();
    try {
      const agent = new SimulatedAgent({ url: farm.url });
      await agent.enrol("ABCD-EFGH");
      await agent.openSession();
      expect(await agent.runOnce(10)).toBeNull();
      const localId = agent.devices[0]?.localId ?? "";
      const offered = farm.offer(localId);
      const times = await agent.runOnce(10);
      expect(times?.attemptId).toBe(offered.attemptId);
      expect(times?.cycleMs).toBeGreaterThanOrEqual(times?.claimMs ?? Number.NaN);
      const names = farm.calls.map(({ name }) => name);
      expect(names.slice(-5)).toEqual([
        "pollWork",
        "acceptAttempt",
        "heartbeat",
        "submitResult",
        "endAttempt",
      ]);
      expect(farm.results[0]?.body.result.samples).toHaveLength(4);
    } finally {
      await farm.stop();
    }
  });
});
