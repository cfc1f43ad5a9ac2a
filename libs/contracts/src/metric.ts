import { z } from "zod";

/** The counters a metric may be computed from: one sample and what is known of its model and machine. */
export interface MetricInput {
  promptTokens: number;
  promptNs: number | null;
  generatedTokens: number;
  generationNs: number | null;
  totalNs: number | null;
  loadNs: number | null;
  peakMemoryBytes: number | null;
  decodeBytesPerToken: number | null;
  memoryBandwidthBytesPerSecond: number | null;
}

export interface MetricDefinition {
  label: string;
  unit: string;
  better: "higher" | "lower";
  /** Digits after the decimal point where people read it. */
  digits: number;
  definition: string;
  /** The metric of one sample, or null when the sample does not tell. */
  fromSample: (sample: MetricInput) => number | null;
}

const perSecond = (tokens: number, ns: number | null) =>
  ns === null || tokens === 0 ? null : (tokens * 1e9) / ns;

/**
 * The table of metrics: adding one is one row here, plus the parser that yields its counters. Rates are llama-bench's:
 * tokens over the time of the decode calls, nothing else inside.
 */
export const METRICS = {
  prefillTokensPerSecond: {
    label: "Prefill",
    unit: "tok/s",
    better: "higher",
    digits: 1,
    definition: "prompt tokens / time of the decode calls over the prompt (llama-bench ppN)",
    fromSample: (s) => perSecond(s.promptTokens, s.promptNs),
  },
  decodeTokensPerSecond: {
    label: "Decode",
    unit: "tok/s",
    better: "higher",
    digits: 1,
    definition: "generated tokens / time of their decode calls (llama-bench tgN)",
    fromSample: (s) => perSecond(s.generatedTokens, s.generationNs),
  },
  timePerOutputTokenMs: {
    label: "Time per output token",
    unit: "ms",
    better: "lower",
    digits: 1,
    definition: "time of the generation's decode calls / generated tokens",
    fromSample: (s) =>
      s.generationNs === null || s.generatedTokens === 0
        ? null
        : s.generationNs / s.generatedTokens / 1e6,
  },
  prefillMs: {
    label: "Prefill time",
    unit: "ms",
    better: "lower",
    digits: 0,
    definition: "time of the decode calls over the whole prompt",
    fromSample: (s) => (s.promptNs === null ? null : s.promptNs / 1e6),
  },
  loadMs: {
    label: "Load",
    unit: "ms",
    better: "lower",
    digits: 0,
    definition: "opening the model file until the engine can decode, file cache warm",
    fromSample: (s) => (s.loadNs === null ? null : s.loadNs / 1e6),
  },
  peakMemoryMiB: {
    label: "Peak memory",
    unit: "MiB",
    better: "lower",
    digits: 0,
    definition: "largest resident set of the engine's process",
    fromSample: (s) => (s.peakMemoryBytes === null ? null : s.peakMemoryBytes / 1_048_576),
  },
  decodeRooflinePercent: {
    label: "Decode, share of roofline",
    unit: "%",
    better: "higher",
    digits: 0,
    definition:
      "decode rate x bytes of weights read per token / memory bandwidth measured on the device; above 100 is implausible",
    fromSample: (s) => {
      const rate = perSecond(s.generatedTokens, s.generationNs);
      if (rate === null || s.decodeBytesPerToken === null) return null;
      return s.memoryBandwidthBytesPerSecond === null
        ? null
        : (100 * rate * s.decodeBytesPerToken) / s.memoryBandwidthBytesPerSecond;
    },
  },
} as const satisfies Record<string, MetricDefinition>;

export const MetricId = z
  .enum(Object.keys(METRICS) as [keyof typeof METRICS, ...(keyof typeof METRICS)[]])
  .meta({ id: "MetricId" });
export type MetricId = z.infer<typeof MetricId>;

/** The definition of a metric, typed the same for all. */
export function metricDefinition(id: MetricId): MetricDefinition {
  return METRICS[id];
}
