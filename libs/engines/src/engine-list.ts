import type { Engine } from "./engine.js";
import { llamaCppEngine } from "./llama-cpp/llama-cpp-engine.js";

/** Every engine that a farm may run. A new engine is a folder beside `llama-cpp` and one line here. */
export const engines: readonly Engine[] = [llamaCppEngine];
