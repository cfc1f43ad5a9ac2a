import { createHash } from "node:crypto";
import { canonicalJson, type MachineFacts } from "@benchfarm/contracts";

const GIBIBYTE = 1024 ** 3;

/** The facts that make two machines the same kind of hardware. What the system software says of itself is not among them. */
export interface SkuFacts {
  formFactor: string | null;
  manufacturer: string | null;
  product: string | null;
  cpuModel: string | null;
  physicalCores: number | null;
  logicalCores: number | null;
  memoryBytes: number | null;
  architecture: string | null;
  virtualisation: string | null;
  gpus: NonNullable<MachineFacts["gpus"]>;
}

export function skuFacts(facts: MachineFacts): SkuFacts {
  return {
    formFactor: facts.formFactor,
    manufacturer: facts.manufacturer,
    product: facts.product,
    cpuModel: facts.cpuModel,
    physicalCores: facts.physicalCores,
    logicalCores: facts.logicalCores,
    memoryBytes: facts.memoryBytes,
    architecture: facts.os.architecture,
    virtualisation: facts.virtualisation,
    gpus: facts.gpus ?? [],
  };
}

/**
 * The identity of a kind of hardware: SHA-256 over its facts. Memory counts in whole GiB, since kernels of one machine reserve
 * differently; of GPUs counts what they are, not their drivers.
 */
export function skuKey(facts: SkuFacts): string {
  const identity = {
    ...facts,
    memoryBytes: undefined,
    memoryGibibytes: facts.memoryBytes === null ? null : Math.round(facts.memoryBytes / GIBIBYTE),
    gpus: facts.gpus
      .map(({ name, vendor, memoryBytes }) => ({ name, vendor, memoryBytes }))
      .sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)),
  };
  return createHash("sha256").update(canonicalJson(identity)).digest("hex");
}

/** A name that people recognise: the product where there is one, the processor, GPUs, and the memory. */
export function skuName(facts: SkuFacts): string {
  const product = meaningful(facts.product);
  const maker = meaningful(facts.manufacturer);
  const cpu = meaningful(facts.cpuModel)
    ?.replace(/\((R|TM|C)\)/gi, "")
    .replace(/\b(CPU|Processor)\b/g, "")
    .replace(/@.*$/, "")
    .replace(/\s+/g, " ")
    .trim();
  const cores = facts.physicalCores ?? facts.logicalCores;
  const kind =
    product === null
      ? null
      : maker === null || product.toLowerCase().startsWith(maker.toLowerCase())
        ? product
        : `${maker} ${product}`;
  const parts = [
    kind,
    cpu === undefined || cpu === "" || cpu === kind
      ? null
      : cores === null
        ? cpu
        : `${cpu} (${cores} ${cores === 1 ? "core" : "cores"})`,
    ...new Set(facts.gpus.map((gpu) => gpu.name)),
    facts.memoryBytes === null ? null : `${Math.round(facts.memoryBytes / GIBIBYTE)} GiB`,
    facts.virtualisation,
  ].filter((part) => part !== null);
  return parts.length === 0
    ? `unknown ${facts.architecture ?? ""} machine`.trim()
    : parts.join(", ");
}

/** Firmware placeholders are not names. */
function meaningful(text: string | null): string | null {
  const trimmed = text?.trim() ?? "";
  const placeholder =
    /^(to be filled by o\.?e\.?m\.?|default string|system (manufacturer|product name)|not specified|none|unknown|n\/a|0+)$/i;
  return trimmed === "" || placeholder.test(trimmed) ? null : trimmed;
}
