import {
  max,
  mean,
  median,
  min,
  quantile as quantileOf,
  sampleStandardDeviation,
} from "simple-statistics";

import { requireFinite } from "./finite.js";
import { medianInterval } from "./median-interval.js";

/** What is published of a set of samples, in the samples' own unit. Null: too few samples to say. */
export interface Summary {
  n: number;
  median: number;
  mean: number;
  /** Sample standard deviation (n - 1); null when n is 1. */
  stddev: number | null;
  /** `stddev / |mean|`; null when n is 1 or the mean is 0. */
  cv: number | null;
  min: number;
  max: number;
  /** Null when n is under 64. */
  p90: number | null;
  /** Null when n is under 662. */
  p99: number | null;
  /** 95 % bootstrap interval of the median; both null when n is under 3. */
  medianLow: number | null;
  medianHigh: number | null;
}

/**
 * The fewest samples from which a high percentile is published: the smallest n for which, at 99 % confidence, at least
 * two samples lie beyond it, i.e. P(Binomial(n, 1 - p) <= 1) <= 0.01. These are MLPerf's minima for an early-stopping
 * estimate (mlcommons/inference, loadgen).
 */
export const FEWEST_FOR_P90 = 64;
export const FEWEST_FOR_P99 = 662;

/**
 * Summarizes samples of one quantity; their order does not matter. Never the best value: the median leads.
 * @throws RangeError when there are none, or one is not finite
 */
export function summarize(values: readonly number[]): Summary {
  requireFinite(values, "summarize");
  const n = values.length;
  const average = mean(values);
  const stddev = n > 1 ? sampleStandardDeviation(values) : null;
  const interval = medianInterval(values);
  return {
    n,
    median: median(values),
    mean: average,
    stddev,
    cv: stddev === null || average === 0 ? null : stddev / Math.abs(average),
    min: min(values),
    max: max(values),
    p90: n >= FEWEST_FOR_P90 ? quantileOf(values, 0.9) : null,
    p99: n >= FEWEST_FOR_P99 ? quantileOf(values, 0.99) : null,
    medianLow: interval?.low ?? null,
    medianHigh: interval?.high ?? null,
  };
}

/**
 * The quantile at `p` (0 to 1) by linear interpolation (R's type 7), however few the values: for distributions that are
 * looked at, not published as a device's figure.
 * @throws RangeError when there are none, one is not finite, or `p` is outside 0 to 1
 */
export function quantile(values: readonly number[], p: number): number {
  requireFinite(values, "quantile");
  if (!(p >= 0 && p <= 1)) throw new RangeError(`quantile: ${p} is not between 0 and 1`);
  return quantileOf(values, p);
}
