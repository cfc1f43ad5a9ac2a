import { WorkloadSpec } from "@benchfarm/contracts";
import { recipeOf, type SyntheticRecipe } from "@benchfarm/gguf";

/** The seed of the demo's models: equal on every machine, and so are their digests. */
const SEED = 1;

/** The demo's models: a small and a larger real shape, three quants each. */
export function demoRecipes(): SyntheticRecipe[] {
  return ["smollm2-135m", "qwen3.5-0.8b"].flatMap((shape) =>
    (["Q4_0", "Q4_K_M", "Q8_0"] as const).map((quant) => recipeOf(shape, quant, SEED)),
  );
}

/** The demo's workloads: short enough that the whole sweep ends within minutes on two slow cores. */
export function demoWorkloads(): WorkloadSpec[] {
  return [
    WorkloadSpec.parse({ promptTokens: 64, generatedTokens: 0 }),
    WorkloadSpec.parse({ promptTokens: 0, generatedTokens: 16 }),
  ];
}
