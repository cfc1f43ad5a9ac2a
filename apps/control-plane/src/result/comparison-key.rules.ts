import { createHash } from "node:crypto";
import {
  canonicalJson,
  type Backend,
  type ComparisonKey,
  type EffectiveSettings,
  type MachineFacts,
  type ResultSubmission,
} from "@benchfarm/contracts";
import { measuredSamples } from "./submission.rules.js";
import { powerSources } from "./validity.rules.js";

/** Everything a comparison key is made of, as the farm knows it. */
export interface KeyInput {
  skuId: string;
  cooling: string;
  simulated: boolean;
  facts: Pick<MachineFacts, "power">;
  modelSha256: string;
  engineId: string;
  workloadDigest: string;
  requestedBackend: Backend;
  submission: ResultSubmission;
  failed: boolean;
}

/**
 * The comparison key of a result. A measurement has the backend that executed; a failure has the one that was asked for, so that it
 * shows where the number was expected.
 */
export function comparisonKey(input: KeyInput): ComparisonKey {
  const { submission, failed } = input;
  const backend = failed
    ? input.requestedBackend
    : (submission.effectiveBackend ?? input.requestedBackend);
  return {
    skuId: input.skuId,
    cooling: input.cooling,
    powerProfile: powerProfile(submission, input.facts),
    simulated: input.simulated,
    modelSha256: input.modelSha256,
    engineId: input.engineId,
    backend,
    workloadDigest: input.workloadDigest,
    settings: normaliseSettings(submission.settings, backend),
  };
}

/** SHA-256 of a comparison key's canonical JSON, hex: the key of its cell. Keys hold no org; ids of rows in them do. */
export function cellKeyOf(key: ComparisonKey): string {
  return createHash("sha256").update(canonicalJson(key)).digest("hex");
}

/** `mains` or `battery` when every reading agrees, `mixed` when they do not; without readings what the device said of itself. */
function powerProfile(submission: ResultSubmission, facts: Pick<MachineFacts, "power">): string {
  const seen = [...powerSources(measuredSamples(submission.samples))];
  if (seen.length > 1) return "mixed";
  const declared = facts.power.source;
  return seen[0] ?? (declared === null ? "unknown" : declared === "battery" ? "battery" : "mains");
}

const ON = new Set(["1", "on", "true", "enabled", "yes"]);
const OFF = new Set(["0", "off", "false", "disabled", "no"]);

/** Settings with one spelling each; offloaded layers mean nothing where there is no accelerator. */
function normaliseSettings(
  settings: EffectiveSettings | null,
  backend: Backend,
): EffectiveSettings {
  const flash = settings?.flashAttention?.trim().toLowerCase() ?? null;
  return {
    threads: settings?.threads ?? null,
    batchSize: settings?.batchSize ?? null,
    microBatchSize: settings?.microBatchSize ?? null,
    flashAttention: flash === null ? null : ON.has(flash) ? "on" : OFF.has(flash) ? "off" : flash,
    cacheTypeK: settings?.cacheTypeK?.trim().toLowerCase() ?? null,
    cacheTypeV: settings?.cacheTypeV?.trim().toLowerCase() ?? null,
    gpuLayers: backend === "cpu" ? null : (settings?.gpuLayers ?? null),
    cpuVariant: settings?.cpuVariant?.trim() ?? null,
  };
}
