import { metricDefinition, type MetricId, type WorkloadKind } from "@benchfarm/contracts";

/**
 * Whether a metric can exist for a kind of workload: it does when a sample with every counter that such a repetition can have yields
 * one, so no second table of metrics is kept.
 */
export function metricApplies(metric: MetricId, kind: WorkloadKind): boolean {
  const prompts = kind !== "decode";
  const generates = kind !== "prefill";
  const value = metricDefinition(metric).fromSample({
    promptTokens: prompts ? 2 : 0,
    promptNs: prompts ? 1 : null,
    generatedTokens: generates ? 2 : 0,
    generationNs: generates ? 1 : null,
    totalNs: 2,
    loadNs: 1,
    peakMemoryBytes: 1,
    decodeBytesPerToken: 1,
    memoryBandwidthBytesPerSecond: 1,
  });
  return value !== null;
}
