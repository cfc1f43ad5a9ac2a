import { median } from "simple-statistics";

import { medianInterval } from "./median-interval.js";

/** mulberry32: a full-period 32-bit generator, so that a failing draw can be repeated. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The textbook way: the medians of many resamples. */
function resampledMedians(values: number[], resamples: number): number[] {
  const next = generator(7);
  return Array.from({ length: resamples }, () =>
    median(values.map(() => values[Math.floor(next() * values.length)]!)),
  );
}

test("fewer than three values have no interval", () => {
  expect(medianInterval([5])).toBeNull();
  expect(medianInterval([5, 6])).toBeNull();
});

test("three values: the extremes are each the median of 7 in 27 resamples, so they are the interval", () => {
  expect(medianInterval([30, 10, 20])).toEqual({ low: 10, high: 30 });
});

test("ten values: the interval that 10 000 000 resamples of 1..10 give", () => {
  expect(medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toEqual({ low: 3, high: 8 });
});

test.each([4, 5, 8, 11, 30, 64, 101, 200])("n = %i agrees with random resampling", (n) => {
  const next = generator(n);
  const values = Array.from({ length: n }, () => Math.exp(next() * 3));
  const { low, high } = medianInterval(values)!;
  const medians = resampledMedians(values, 5_000);
  const share = (isCounted: (median: number) => boolean) =>
    medians.filter(isCounted).length / medians.length;
  // Four standard errors of a share of 2.5 % in 5 000 draws.
  const slack = 0.009;
  expect(share((at) => at < low - 1e-9)).toBeLessThan(0.025 + slack);
  expect(share((at) => at <= low + 1e-9)).toBeGreaterThan(0.025 - slack);
  expect(share((at) => at <= high + 1e-9)).toBeGreaterThan(0.975 - slack);
  expect(share((at) => at < high - 1e-9)).toBeLessThan(0.975 + slack);
});

test("order does not matter, equal values give a point, and a large n is quick and narrow", () => {
  expect(medianInterval([3, 1, 2, 5, 4])).toEqual(medianInterval([1, 2, 3, 4, 5]));
  expect(medianInterval([2, 2, 2, 2])).toEqual({ low: 2, high: 2 });
  const next = generator(1);
  const { low, high } = medianInterval(Array.from({ length: 10_000 }, next))!;
  expect(low).toBeGreaterThan(0.47);
  expect(high).toBeLessThan(0.53);
  expect(low).toBeLessThan(high);
});

test("refuses what is not a number", () => {
  expect(() => medianInterval([1, Number.NaN, 3])).toThrow(/value 1 is NaN/);
  expect(() => medianInterval([])).toThrow(/no values/);
});
