export { bootstrapRatio } from "./bootstrap-ratio.js";
export type { Ratio } from "./bootstrap-ratio.js";
export { medianInterval } from "./median-interval.js";
export type { Interval } from "./median-interval.js";
export { rooflinePercent } from "./roofline.js";
export { FEWEST_FOR_P90, FEWEST_FOR_P99, quantile, summarize } from "./summarize.js";
export type { Summary } from "./summarize.js";
