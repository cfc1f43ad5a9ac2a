export * from "../fake/fake-engine.js";
export * from "./engine-conformance.js";
