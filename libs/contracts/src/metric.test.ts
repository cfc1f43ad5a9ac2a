import { METRICS, metricDefinition, MetricId, type MetricInput } from "./metric.js";

const sample: MetricInput = {
  promptTokens: 512,
  promptNs: 2_000_000_000,
  generatedTokens: 16,
  generationNs: 800_000_000,
  totalNs: 2_800_000_000,
  loadNs: 1_200_000_000,
  peakMemoryBytes: 1_048_576 * 700,
  decodeBytesPerToken: 500_000_000,
  memoryBandwidthBytesPerSecond: 20_000_000_000,
};

test("every metric follows its definition", () => {
  const values = Object.fromEntries(
    MetricId.options.map((id) => [id, metricDefinition(id).fromSample(sample)]),
  );
  expect(values).toEqual({
    prefillTokensPerSecond: 256,
    decodeTokensPerSecond: 20,
    timePerOutputTokenMs: 50,
    prefillMs: 2000,
    loadMs: 1200,
    peakMemoryMiB: 700,
    decodeRooflinePercent: 50,
  });
});

test("what a sample does not tell is null, never zero", () => {
  const nothing: MetricInput = {
    promptTokens: 0,
    promptNs: null,
    generatedTokens: 0,
    generationNs: null,
    totalNs: null,
    loadNs: null,
    peakMemoryBytes: null,
    decodeBytesPerToken: null,
    memoryBandwidthBytesPerSecond: null,
  };
  for (const id of MetricId.options) expect(METRICS[id].fromSample(nothing)).toBeNull();
});
