import { median } from "simple-statistics";

import { requirePositive } from "./finite.js";
import { medianInterval } from "./median-interval.js";

/** How many times faster (or larger) the first of each pair is. `low` and `high` are null with fewer than 3 pairs. */
export interface Ratio {
  ratio: number;
  low: number | null;
  high: number | null;
}

/**
 * Compares two things measured alternately: the median of the pairs' ratios `first / second` and its 95 % bootstrap
 * interval. Pairing takes out what drifts slowly, such as heat.
 * @throws RangeError when there are no pairs or a value is not positive and finite
 */
export function bootstrapRatio(pairs: readonly (readonly [number, number])[]): Ratio {
  if (pairs.length === 0) throw new RangeError("bootstrapRatio: no pairs");
  const ratios = pairs.map(([first, second], index) => {
    requirePositive(first, `bootstrapRatio: first value of pair ${index}`);
    requirePositive(second, `bootstrapRatio: second value of pair ${index}`);
    return first / second;
  });
  const interval = medianInterval(ratios);
  return { ratio: median(ratios), low: interval?.low ?? null, high: interval?.high ?? null };
}
