export { describeEmbeddedEngine, llamaBenchProgramPath } from "./describe-embedded-engine.js";
export type { EmbeddedEngine, EngineChoice, ProgramPath } from "./describe-embedded-engine.js";
export { EngineUnavailableError } from "./engine-errors.js";
export type { EngineUnavailableReason } from "./engine-errors.js";
