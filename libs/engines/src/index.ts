export * from "./engine.js";
export * from "./engine-list.js";
export { llamaCppEngine } from "./llama-cpp/llama-cpp-engine.js";
