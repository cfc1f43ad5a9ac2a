export * from "./fake-host.js";
export * from "./fault-farm.js";
export * from "./host-conformance.js";
export * from "./simulated-agent.js";
