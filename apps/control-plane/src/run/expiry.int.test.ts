import { routes } from "@benchfarm/contracts";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import { newAgent, seedCatalogue } from "./agent.fixture.js";

const SHORT = {
  BENCHFARM_OFFER_MS: "400",
  BENCHFARM_LEASE_MS: "60000",
  BENCHFARM_HEARTBEAT_MS: "20000",
};

async function offerLapses(farm: TestFarm): Promise<void> {
  const target = await seedCatalogue(farm);
  const agent = await newAgent(farm);
  const { id } = await farm.client.call(routes.createRun, {
    body: {
      quantId: target.quantId,
      workloadId: target.workloadId,
      engine: "llama-cpp",
      backend: "cpu",
      deviceId: agent.deviceIds[0] as string,
    },
  });
  await agent.claim();
  const deadline = performance.now() + 20_000;
  for (;;) {
    const run = await farm.client.call(routes.readRun, { params: { id } });
    if (run.state === "queued" && run.dispatchCount === 1) return;
    if (performance.now() > deadline) throw new Error("the offer never lapsed");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a lease that is over", () => {
  it.each([
    ["the reminder, without the reconciler", { BENCHFARM_RECONCILE_MS: "3600000" }],
    [
      "the reconciler, without the reminder",
      { BENCHFARM_RECONCILE_MS: "200", BENCHFARM_RELAY_MS: "3600000" },
    ],
  ])("is ended by %s", async (_by, env) => {
    const farm = await startTestFarm({ role: "all", env: { ...SHORT, ...env } });
    try {
      await offerLapses(farm);
    } finally {
      await farm.stop();
    }
  });
});
