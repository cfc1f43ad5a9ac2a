export { readNodeAgentConfig, type NodeAgentConfig } from "./config.js";
export { createLocalHost, type LocalHostOptions } from "./local-host.js";
export { measureMemoryBandwidth, type BandwidthReading } from "./memory-bandwidth.js";
