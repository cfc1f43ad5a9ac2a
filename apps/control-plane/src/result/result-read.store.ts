import {
  Conditions,
  EffectiveSettings,
  EngineFacts,
  Failure,
  type Backend,
  type MetricId,
  type MetricSummary,
  type Result,
  type ResultDetail,
  type ResultQuery,
  type Sample,
  type Validity,
} from "@benchfarm/contracts";
import type { z } from "zod";
import { Prisma, type Tx } from "../platform/database/database.js";
import { NEWEST_FIRST, pageFrom, pageWhere, type Page } from "../platform/page.js";
import { METRIC_IDS } from "./metric-summary.rules.js";

type ResultRow = Prisma.ResultGetPayload<{ include: { metrics: true } }>;
type DetailRow = Prisma.ResultGetPayload<{ include: { metrics: true; samples: true } }>;
type MetricRow = Omit<MetricSummary, "metric"> & { metric: string };

const optional = <T>(schema: z.ZodType<T>, value: unknown): T | null =>
  value === null ? null : schema.parse(value);

/** Metric rows in the order of the table of metrics; ids that this version does not know are left out. */
export function metricSummaries(rows: readonly MetricRow[]): MetricSummary[] {
  return rows
    .filter((row) => METRIC_IDS.includes(row.metric as MetricId))
    .map((row) => ({
      metric: row.metric as MetricId,
      n: row.n,
      median: row.median,
      mean: row.mean,
      stddev: row.stddev,
      min: row.min,
      max: row.max,
      low: row.low,
      high: row.high,
    }))
    .sort((a, b) => METRIC_IDS.indexOf(a.metric) - METRIC_IDS.indexOf(b.metric));
}

function toResult(row: ResultRow): Result {
  return {
    id: row.id,
    runId: row.runId,
    attemptId: row.attemptId,
    deviceId: row.deviceId,
    skuId: row.skuId,
    quantId: row.quantId,
    workloadId: row.workloadId,
    engineId: row.engineId,
    status: row.status as Result["status"],
    failure: optional(Failure, row.failure),
    validity: row.validity as Validity,
    validityReasons: row.validityReasons,
    canonical: row.canonical,
    fenced: row.fenced,
    requestedBackend: row.requestedBackend as Backend,
    effectiveBackend: row.effectiveBackend as Backend | null,
    cellKey: row.cellKey,
    metrics: metricSummaries(row.metrics),
    createdAt: row.createdAt.toISOString(),
  };
}

const counter = (value: bigint | null) => (value === null ? null : Number(value));

function toSample(row: DetailRow["samples"][number]): Sample {
  return {
    index: row.index,
    warmup: row.warmup,
    promptTokens: row.promptTokens,
    promptNs: counter(row.promptNs),
    generatedTokens: row.generatedTokens,
    generationNs: counter(row.generationNs),
    totalNs: counter(row.totalNs),
    loadNs: counter(row.loadNs),
    cpuNs: counter(row.cpuNs),
    peakMemoryBytes: counter(row.peakMemoryBytes),
    gateMs: row.gateMs,
    before: optional(Conditions, row.before),
    after: optional(Conditions, row.after),
  };
}

function toDetail(row: DetailRow): ResultDetail {
  return {
    ...toResult(row),
    samples: row.samples.map(toSample),
    engine: optional(EngineFacts, row.engineFacts),
    settings: optional(EffectiveSettings, row.settings),
    backendEvidence: row.backendEvidence,
    // PostgreSQL's array has no null here; a command is never empty.
    command: row.command.length === 0 ? null : row.command,
    rawOutput: row.rawOutput,
    agentVersion: row.agentVersion,
  };
}

/** An org's results, failed ones included, newest first. */
export async function listResults(
  tx: Tx,
  orgId: string,
  query: z.output<typeof ResultQuery>,
): Promise<Page<Result>> {
  const rows = await tx.result.findMany({
    where: {
      orgId,
      ...pageWhere(query),
      ...(query.run === undefined ? {} : { runId: query.run }),
      ...(query.cell === undefined ? {} : { cellKey: query.cell }),
      ...(query.device === undefined ? {} : { deviceId: query.device }),
      ...(query.status === undefined ? {} : { status: query.status }),
    },
    include: { metrics: true },
    orderBy: NEWEST_FIRST,
    take: query.limit + 1,
  });
  return pageFrom(rows, query.limit, (row) => row.id, toResult);
}

const WITH_SAMPLES = { metrics: true, samples: { orderBy: { index: "asc" } } } as const;

/** One result with everything that was measured, or null. */
export async function readResultDetail(
  tx: Tx,
  orgId: string,
  id: string,
): Promise<ResultDetail | null> {
  const row = await tx.result.findFirst({ where: { id, orgId }, include: WITH_SAMPLES });
  return row === null ? null : toDetail(row);
}

/** The newest results behind a cell, those that count for it first. */
export async function readCellResults(
  tx: Tx,
  orgId: string,
  cellKey: string,
  limit: number,
): Promise<ResultDetail[]> {
  const rows = await tx.result.findMany({
    where: { orgId, cellKey },
    include: WITH_SAMPLES,
    orderBy: [{ canonical: "desc" }, { createdAt: "desc" }, { id: "desc" }],
    take: limit,
  });
  return rows.map(toDetail);
}
