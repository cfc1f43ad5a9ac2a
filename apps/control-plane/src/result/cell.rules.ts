import type { CellStatus, Failure, MetricId, MetricSummary } from "@benchfarm/contracts";
import { METRIC_IDS, summaryOf } from "./metric-summary.rules.js";

/** One metric of all results that count for a cell. With one result, the other members are that result's own summary. */
export interface MetricFoldInput {
  metric: MetricId;
  /** One median per result. */
  medians: number[];
  n: number;
  mean: number;
  stddev: number | null;
  min: number;
  max: number;
  low: number | null;
  high: number | null;
}

/** What the database knows of the results of one cell. */
export interface CellFoldInput {
  /** Measured, valid and canonical: the only ones that make numbers. */
  measured: { results: number; devices: number };
  held: { results: number; devices: number };
  /** Failed, or measured and invalid. */
  failed: { results: number; devices: number };
  /** The newest of `failed`; `failure` is null when it was invalid. */
  newestFailure: { failure: Failure | null; validityReasons: string[] } | null;
  metrics: MetricFoldInput[];
}

export interface CellFold {
  status: CellStatus;
  failure: Failure | null;
  heldCount: number;
  resultCount: number;
  sampleCount: number;
  deviceCount: number;
  metrics: MetricSummary[];
}

/**
 * A cell from its results. A valid measurement wins over everything, one that is held over failures; a failed cell tells its newest
 * reason. Over several results the summary is that of their medians, so that no result counts more because it repeated more.
 */
export function foldCell(input: CellFoldInput): CellFold {
  const status: CellStatus =
    input.measured.results > 0 ? "measured" : input.held.results > 0 ? "held" : "failed";
  const metrics = status === "measured" ? input.metrics.map(foldMetric) : [];
  return {
    status,
    failure: status === "failed" ? failureOf(input.newestFailure) : null,
    heldCount: input.held.results,
    resultCount: input[status].results,
    sampleCount: Math.max(0, ...metrics.map((summary) => summary.n)),
    deviceCount: input[status].devices,
    metrics: metrics.sort((a, b) => METRIC_IDS.indexOf(a.metric) - METRIC_IDS.indexOf(b.metric)),
  };
}

function foldMetric({ medians, ...own }: MetricFoldInput): MetricSummary {
  const [only] = medians;
  return medians.length === 1 && only !== undefined
    ? { ...own, median: only }
    : { ...summaryOf(own.metric, medians), n: own.n };
}

function failureOf(newest: CellFoldInput["newestFailure"]): Failure | null {
  if (newest === null || newest.failure !== null) return newest?.failure ?? null;
  return {
    code: "invalid_measurement",
    message: `measured, but invalid: ${newest.validityReasons.join(", ")}`,
    exitCode: null,
    signal: null,
  };
}
