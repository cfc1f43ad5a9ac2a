import type { Engine } from "../engine.js";
import { parseBench } from "./parse-bench.js";
import { planBench, supportsBench } from "./plan-bench.js";

/** llama.cpp, through `llama-bench` or the embedded core that takes its flags and prints its fields. */
export const llamaCppEngine: Engine = {
  id: "llama-cpp",
  supports: supportsBench,
  plan: planBench,
  parse: parseBench,
};
