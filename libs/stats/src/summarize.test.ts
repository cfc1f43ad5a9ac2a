import { bootstrapRatio } from "./bootstrap-ratio.js";
import { rooflinePercent } from "./roofline.js";
import { FEWEST_FOR_P90, FEWEST_FOR_P99, quantile, summarize } from "./summarize.js";

describe("summarize", () => {
  test("known values", () => {
    // numpy: median 4.5, mean 5, std(ddof=1) 2.13809; the interval by 1e7 resamples.
    const summary = summarize([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(summary).toMatchObject({
      n: 8,
      median: 4.5,
      mean: 5,
      min: 2,
      max: 9,
      p90: null,
      p99: null,
    });
    expect(summary.stddev).toBeCloseTo(2.13809, 5);
    expect(summary.cv).toBeCloseTo(0.427618, 5);
    expect(summary.medianLow).toBe(4);
    expect(summary.medianHigh).toBe(7);
  });

  test("one value has no spread, and says so with null", () => {
    expect(summarize([42])).toEqual({
      n: 1,
      median: 42,
      mean: 42,
      stddev: null,
      cv: null,
      min: 42,
      max: 42,
      p90: null,
      p99: null,
      medianLow: null,
      medianHigh: null,
    });
  });

  test("a mean of zero has no coefficient of variation", () => {
    expect(summarize([-1, 0, 1])).toMatchObject({ mean: 0, stddev: 1, cv: null });
  });

  test("percentiles appear only when n allows", () => {
    const upTo = (n: number) => Array.from({ length: n }, (_, index) => index);
    expect(summarize(upTo(FEWEST_FOR_P90 - 1)).p90).toBeNull();
    expect(summarize(upTo(FEWEST_FOR_P90)).p90).toBeCloseTo(56.7, 10);
    expect(summarize(upTo(FEWEST_FOR_P99 - 1)).p99).toBeNull();
    expect(summarize(upTo(FEWEST_FOR_P99)).p99).toBeCloseTo(654.39, 10);
  });

  test.each([
    [0.9, FEWEST_FOR_P90],
    [0.99, FEWEST_FOR_P99],
  ])("the fewest samples for quantile %d are %i by the stated rule", (p, fewest) => {
    const atMostOneBeyond = (n: number) => p ** n + n * (1 - p) * p ** (n - 1);
    expect(atMostOneBeyond(fewest)).toBeLessThanOrEqual(0.01);
    expect(atMostOneBeyond(fewest - 1)).toBeGreaterThan(0.01);
  });

  test.each([[[]], [[1, Number.NaN]], [[1, Number.POSITIVE_INFINITY]]])("refuses %p", (values) => {
    expect(() => summarize(values)).toThrow(RangeError);
  });
});

describe("quantile", () => {
  test("interpolates linearly", () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([10, 0], 0.95)).toBeCloseTo(9.5, 12);
    expect(() => quantile([1], 1.5)).toThrow(/between 0 and 1/);
  });
});

describe("bootstrapRatio", () => {
  test("the median ratio, with an interval around it", () => {
    const { ratio, low, high } = bootstrapRatio([
      [10, 10],
      [11, 10],
      [12, 10],
      [9, 10],
      [10.5, 10],
    ]);
    expect(ratio).toBeCloseTo(1.05, 12);
    expect(low).toBeCloseTo(0.9, 12);
    expect(high).toBeCloseTo(1.2, 12);
  });

  test("a drift common to both sides leaves the ratio alone", () => {
    const pairs = [100, 80, 60, 40, 20].map((rate): [number, number] => [rate * 0.99, rate]);
    const { ratio, low, high } = bootstrapRatio(pairs);
    expect([ratio, low, high].map((value) => value?.toFixed(9))).toEqual(
      Array<string>(3).fill("0.990000000"),
    );
  });

  test("two pairs have a ratio and no interval; zero and NaN are refused", () => {
    expect(
      bootstrapRatio([
        [2, 1],
        [4, 1],
      ]),
    ).toEqual({ ratio: 3, low: null, high: null });
    expect(() => bootstrapRatio([[1, 0]])).toThrow(/second value of pair 0/);
    expect(() => bootstrapRatio([[Number.NaN, 1]])).toThrow(/first value of pair 0/);
    expect(() => bootstrapRatio([])).toThrow(/no pairs/);
  });
});

describe("rooflinePercent", () => {
  test("20 tokens/s of a 1 GB model on 40 GB/s is half the roofline", () => {
    const half = { decodeTokensPerSecond: 20, bytesPerToken: 1e9, bandwidthBytesPerSecond: 40e9 };
    expect(rooflinePercent(half)).toBe(50);
    expect(rooflinePercent({ ...half, decodeTokensPerSecond: 50 })).toBe(125);
    expect(() => rooflinePercent({ ...half, bandwidthBytesPerSecond: 0 })).toThrow(
      /bandwidthBytesPerSecond is 0/,
    );
  });
});
