import type { MetricSummary, Sample, Validity, WorkloadSpec } from "@benchfarm/contracts";
import { measuredSamples } from "./submission.rules.js";

/**
 * Every reason that can stand beside a number, and what it does to it. `invalid` keeps a result out of cells for good, `held` until a
 * person decides, `caution` only tells. The names are stable: programs branch on them.
 */
export const VALIDITY_REASONS = {
  too_few_repetitions: "invalid",
  measured_too_short: "invalid",
  implausible_roofline: "held",
  too_few_warmups: "caution",
  warmup_shape_differs: "caution",
  cpu_steal_high: "caution",
  device_busy: "caution",
  swap_grew: "caution",
  power_source_changed: "caution",
  conditions_unknown: "caution",
} as const satisfies Record<string, "invalid" | "held" | "caution">;

export type ValidityReason = keyof typeof VALIDITY_REASONS;

/** Share of time given to other guests above which a repetition was not alone, 0 to 1. */
const STEAL_LIMIT = 0.05;
/** Busy share of all cores before a repetition above which the device was not quiet (measurement.md, rule 9). */
const BUSY_LIMIT = 0.3;

/** How long the samples were measured, gates and loads not counted. */
export function measuredMs(samples: readonly Sample[]): number {
  const ns = measuredSamples(samples).reduce(
    (sum, s) => sum + (s.totalNs ?? (s.promptNs ?? 0) + (s.generationNs ?? 0)),
    0,
  );
  return ns / 1e6;
}

/** Whether a measurement's number may be used, with all reasons; a failure is judged by nobody and valid as what it is. */
export function judge(
  samples: readonly Sample[],
  workload: WorkloadSpec,
  metrics: readonly MetricSummary[],
): { validity: Validity; reasons: ValidityReason[] } {
  const measured = measuredSamples(samples);
  const warmups = samples.filter((sample) => sample.warmup);
  const applies: Record<ValidityReason, boolean> = {
    too_few_repetitions: measured.length < workload.repetitions,
    measured_too_short: measuredMs(samples) < workload.minimumMeasuredMs,
    implausible_roofline: metrics.some(
      (summary) => summary.metric === "decodeRooflinePercent" && summary.median > 100,
    ),
    too_few_warmups: warmups.length < workload.warmupRepetitions,
    warmup_shape_differs: warmups.some(
      (sample) =>
        sample.promptTokens !== workload.promptTokens ||
        sample.generatedTokens !== workload.generatedTokens,
    ),
    cpu_steal_high: measured.some((s) => (s.after?.cpuStealFraction ?? 0) > STEAL_LIMIT),
    device_busy: measured.some((s) => (s.before?.cpuBusyFraction ?? 0) > BUSY_LIMIT),
    swap_grew: swapGrew(samples),
    power_source_changed: powerSources(measured).size > 1,
    conditions_unknown: measured.some((s) => s.before === null || s.after === null),
  };
  const reasons = (Object.keys(VALIDITY_REASONS) as ValidityReason[]).filter(
    (reason) => applies[reason],
  );
  const has = (effect: string) => reasons.some((reason) => VALIDITY_REASONS[reason] === effect);
  return { validity: has("invalid") ? "invalid" : has("held") ? "held" : "valid", reasons };
}

function swapGrew(samples: readonly Sample[]): boolean {
  const readings = samples
    .flatMap((sample) => [sample.before?.swapUsedBytes, sample.after?.swapUsedBytes])
    .filter((bytes) => typeof bytes === "number");
  const first = readings[0];
  return first !== undefined && readings.some((bytes) => bytes > first);
}

/** On what the device ran while it measured; `charging` is mains, with a battery beside it. Empty when nobody could tell. */
export function powerSources(samples: readonly Sample[]): Set<"mains" | "battery"> {
  return new Set(
    samples
      .flatMap((sample) => [sample.before?.powerSource, sample.after?.powerSource])
      .filter((source) => source !== undefined && source !== null)
      .map((source) => (source === "battery" ? "battery" : "mains")),
  );
}
