// What the slices to the right use of the catalogue's rows.
export { findArtifact } from "./artifact.store.js";
export { registerEngine } from "./engine.store.js";
export { findQuants } from "./quant.store.js";
export { ensureSku, findSku } from "./sku.store.js";
export { ensureWorkload, findWorkloads, workloadDigest } from "./workload.store.js";
