import { WorkloadSpec, type Sample } from "@benchfarm/contracts";
import { summarizeMetrics } from "./metric-summary.rules.js";
import { conditions, DECODE, fakeSha256, PREFILL, submission } from "./farm-rows.fixture.js";
import { judge } from "./validity.rules.js";

const context = { decodeBytesPerToken: 1e6, memoryBandwidthBytesPerSecond: 10e9 };
const samplesOf = (workload: WorkloadSpec) => submission(workload, fakeSha256("m")).samples;
const judgeOf = (samples: Sample[], workload = DECODE, of = context) =>
  judge(samples, workload, summarizeMetrics(samples, of));
const withMeasured = (over: Partial<Sample>) =>
  samplesOf(DECODE).map((s) => (s.index === 2 ? { ...s, ...over } : s));

test("a measurement under quiet conditions is valid without a reason", () => {
  expect(judgeOf(samplesOf(DECODE))).toEqual({ validity: "valid", reasons: [] });
});

test("fewer repetitions than asked, or less time than asked, is invalid", () => {
  expect(judgeOf(samplesOf(DECODE).slice(0, -1))).toEqual({
    validity: "invalid",
    reasons: ["too_few_repetitions"],
  });
  const long = WorkloadSpec.parse({ ...DECODE, minimumMeasuredMs: 1601 });
  expect(judgeOf(samplesOf(DECODE), long).reasons).toEqual(["measured_too_short"]);
  const justLongEnough = WorkloadSpec.parse({ ...DECODE, minimumMeasuredMs: 1600 });
  expect(judgeOf(samplesOf(DECODE), justLongEnough).validity).toBe("valid");
});

test("a decode rate beyond the memory's bandwidth is held, one just below is not", () => {
  // 100 tokens/s of 1 MB each.
  const at = (memoryBandwidthBytesPerSecond: number) =>
    judgeOf(samplesOf(DECODE), DECODE, { ...context, memoryBandwidthBytesPerSecond });
  expect(at(99e6)).toEqual({ validity: "held", reasons: ["implausible_roofline"] });
  expect(at(100e6).validity).toBe("valid");
});

test("too few repetitions count more than an implausible rate, and both are told", () => {
  const samples = samplesOf(DECODE).slice(0, 3);
  expect(judgeOf(samples, DECODE, { ...context, memoryBandwidthBytesPerSecond: 1e6 })).toEqual({
    validity: "invalid",
    reasons: ["too_few_repetitions", "implausible_roofline"],
  });
});

test.each([
  ["cpu_steal_high", { after: conditions({ cpuStealFraction: 0.06 }) }],
  ["device_busy", { before: conditions({ cpuBusyFraction: 0.31 }) }],
  ["swap_grew", { after: conditions({ swapUsedBytes: 4096 }) }],
  ["power_source_changed", { after: conditions({ powerSource: "battery" }) }],
  ["conditions_unknown", { after: null }],
] as const)("%s is told and changes nothing", (reason, over) => {
  expect(judgeOf(withMeasured(over as Partial<Sample>))).toEqual({
    validity: "valid",
    reasons: [reason],
  });
});

test("charging is mains", () => {
  const samples = withMeasured({ after: conditions({ powerSource: "charging" }) });
  expect(judgeOf(samples).reasons).toEqual([]);
});

test("warm-ups that are missing or of another shape are told", () => {
  const samples = samplesOf(DECODE);
  expect(judgeOf(samples.slice(1)).reasons).toEqual(["too_few_warmups"]);
  const short = samples.map((s) => (s.warmup ? { ...s, generatedTokens: 1 } : s));
  expect(judgeOf(short).reasons).toEqual(["warmup_shape_differs"]);
});

test("numbers are made of measured samples only, and a metric that one of them lacks is absent", () => {
  const samples = samplesOf(DECODE).map((s) => ({
    ...s,
    generationNs: s.warmup ? 1 : 32e7 + s.index * 32e5,
  }));
  const decode = summarizeMetrics(samples, context).find(
    (summary) => summary.metric === "timePerOutputTokenMs",
  );
  expect(decode).toMatchObject({ n: 5, median: 10.3, min: 10.1, max: 10.5 });
  const partly = withMeasured({ peakMemoryBytes: null });
  const metrics = summarizeMetrics(partly, context).map((summary) => summary.metric);
  expect(metrics).not.toContain("peakMemoryMiB");
  expect(metrics).toContain("decodeTokensPerSecond");
});

test("a prefill has no decode metrics, and no bandwidth means no roofline", () => {
  const metrics = summarizeMetrics(samplesOf(PREFILL), context).map((summary) => summary.metric);
  expect(metrics).toEqual(["prefillTokensPerSecond", "prefillMs", "loadMs", "peakMemoryMiB"]);
  const unknown = summarizeMetrics(samplesOf(DECODE), {
    ...context,
    memoryBandwidthBytesPerSecond: null,
  });
  expect(unknown.map((summary) => summary.metric)).not.toContain("decodeRooflinePercent");
});
