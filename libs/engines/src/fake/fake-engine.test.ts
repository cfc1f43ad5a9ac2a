import { WorkloadSpec } from "@benchfarm/contracts";
import { engines } from "../engine-list.js";
import { engineConformance } from "../testing/engine-conformance.js";
import {
  FAKE_ENGINE_FACTS,
  fakeEngine,
  fakeEngineOutput,
  fakeProcessOutput,
} from "./fake-engine.js";

const task = {
  workload: WorkloadSpec.parse({ promptTokens: 16, generatedTokens: 0 }),
  modelPath: "/models/m.gguf",
  backend: "cpu" as const,
  threads: 2,
  repetition: 3,
  engine: FAKE_ENGINE_FACTS,
};

describe("the fake engine", () => {
  const output = fakeProcessOutput(fakeEngineOutput(task));
  for (const { name, check } of engineConformance(fakeEngine, [{ name: "pp16", task, output }])) {
    it(name, check);
  }

  it("is in no production list and says what it is", () => {
    expect(engines.map((engine) => engine.id)).not.toContain(fakeEngine.id);
    expect(FAKE_ENGINE_FACTS.name).toMatch(/test double/);
  });
});
