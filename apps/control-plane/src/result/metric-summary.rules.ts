import {
  METRICS,
  metricDefinition,
  type MetricId,
  type MetricSummary,
  type Sample,
} from "@benchfarm/contracts";
import { summarize } from "@benchfarm/stats";
import { measuredSamples } from "./submission.rules.js";

/** What a metric may depend on besides a sample's own counters. Unknown is null. */
export interface MetricContext {
  decodeBytesPerToken: number | null;
  memoryBandwidthBytesPerSecond: number | null;
}

export const METRIC_IDS = Object.keys(METRICS) as MetricId[];

/**
 * Every metric that the measured samples tell, summarised; warm-up samples are never part of it. A metric that no sample tells is
 * absent, and so is one that only some tell: a summary over fewer repetitions than were made would say more than was measured.
 */
export function summarizeMetrics(
  samples: readonly Sample[],
  context: MetricContext,
): MetricSummary[] {
  const measured = measuredSamples(samples);
  const summaries: MetricSummary[] = [];
  for (const metric of METRIC_IDS) {
    const { fromSample } = metricDefinition(metric);
    const values = measured
      .map((sample) => fromSample({ ...sample, ...context }))
      .filter((value) => value !== null && Number.isFinite(value));
    if (values.length === 0 || values.length < measured.length) continue;
    summaries.push(summaryOf(metric, values as number[]));
  }
  return summaries;
}

/** One metric's summary over values in the metric's unit; at least one. */
export function summaryOf(metric: MetricId, values: readonly number[]): MetricSummary {
  const { n, median, mean, stddev, min, max, medianLow, medianHigh } = summarize(values);
  return { metric, n, median, mean, stddev, min, max, low: medianLow, high: medianHigh };
}
