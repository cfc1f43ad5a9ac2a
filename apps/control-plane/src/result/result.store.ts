import {
  Failure,
  WorkloadSpec,
  type ComparisonKey,
  type MetricSummary,
  type ResultSubmission,
  type Validity,
} from "@benchfarm/contracts";
import { z } from "zod";
import { Prisma, type SqlTx } from "../platform/database/database.js";

const Stored = z.object({
  id: z.string(),
  attemptId: z.string(),
  digest: z.string(),
  fenced: z.boolean(),
  canonical: z.boolean(),
  status: z.enum(["measured", "failed"]),
  validity: z.enum(["valid", "held", "invalid"]),
  failure: Failure.nullable(),
  cellKey: z.string().nullable(),
});
export type StoredResult = z.infer<typeof Stored>;

const Background = z.object({
  sha256: z.string(),
  decode_bytes_per_token: z.bigint().nullable(),
  digest: z.string(),
  spec: WorkloadSpec,
  stored: z.array(Stored),
});

/** What a submission is checked against: the quant, the workload, and what is stored of its attempt or under its id already. */
export interface SubmissionBackground {
  modelSha256: string;
  decodeBytesPerToken: number | null;
  workloadDigest: string;
  workload: WorkloadSpec;
  stored: StoredResult[];
}

/** Reads a submission's background with one statement. Throws when the run's quant or workload is not the org's: a broken promise. */
export async function readBackground(
  tx: SqlTx,
  of: {
    orgId: string;
    quantId: string;
    workloadId: string;
    runId: string;
    attemptId: string;
    resultId: string;
  },
): Promise<SubmissionBackground> {
  const rows = await tx.$queryRaw<unknown[]>(Prisma.sql`
    select q.sha256, q.decode_bytes_per_token, w.digest, w.spec,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'id', r.id, 'attemptId', r.attempt_id, 'digest', r.submission_digest, 'fenced', r.fenced,
          'canonical', r.canonical, 'status', r.status, 'validity', r.validity, 'failure', r.failure,
          'cellKey', r.cell_key)), '[]'::jsonb)
       from result r
       where (r.run_id = ${of.runId} and r.attempt_id = ${of.attemptId}) or r.id = ${of.resultId}) as stored
    from quant q, workload w
    where q.id = ${of.quantId} and q.org_id = ${of.orgId} and w.id = ${of.workloadId} and w.org_id = ${of.orgId}`);
  const [row] = Background.array().parse(rows);
  if (row === undefined) {
    throw new Error(
      `run ${of.runId} names quant ${of.quantId} and workload ${of.workloadId}, which the org lacks`,
    );
  }
  return {
    modelSha256: row.sha256,
    decodeBytesPerToken:
      row.decode_bytes_per_token === null ? null : Number(row.decode_bytes_per_token),
    workloadDigest: row.digest,
    workload: row.spec,
    stored: row.stored,
  };
}

/** A result as it is stored. */
export interface NewResult {
  id: string;
  orgId: string;
  runId: string;
  attemptId: string;
  deviceId: string;
  skuId: string;
  quantId: string;
  workloadId: string;
  engineId: string | null;
  status: "measured" | "failed";
  failure: Failure | null;
  validity: Validity;
  validityReasons: string[];
  canonical: boolean;
  fenced: boolean;
  cellKey: string | null;
  keyFields: ComparisonKey | null;
  simulated: boolean;
  submission: ResultSubmission;
  submissionDigest: string;
  metrics: MetricSummary[];
}

/** Stores a result with all its samples and metrics, and marks its cell as stale when it may change it: one statement. */
export async function insertResult(tx: SqlTx, result: NewResult): Promise<void> {
  const { submission } = result;
  const changesCell =
    result.cellKey !== null &&
    (result.canonical || (!result.fenced && result.validity === "invalid"));
  await tx.$executeRaw(Prisma.sql`
    with stored as (
      insert into result (id, org_id, run_id, attempt_id, device_id, sku_id, quant_id, workload_id, engine_id, status, failure,
        validity, validity_reasons, canonical, fenced, requested_backend, effective_backend, cell_key, key_fields, simulated,
        settings, engine_facts, backend_evidence, command, raw_output, phases_ms, agent_version, submission_digest)
      values (${result.id}, ${result.orgId}, ${result.runId}, ${result.attemptId}, ${result.deviceId}, ${result.skuId},
        ${result.quantId}, ${result.workloadId}, ${result.engineId}, ${result.status}, ${json(result.failure)}::jsonb,
        ${result.validity}, ${result.validityReasons}::text[], ${result.canonical}, ${result.fenced},
        ${submission.requestedBackend}, ${submission.effectiveBackend}, ${result.cellKey}, ${json(result.keyFields)}::jsonb,
        ${result.simulated}, ${json(submission.settings)}::jsonb, ${json(submission.engine)}::jsonb,
        ${submission.backendEvidence}::text[], ${submission.command}::text[], ${submission.rawOutput},
        ${json(submission.phasesMs)}::jsonb, ${submission.agentVersion}, ${result.submissionDigest})
    ),
    sampled as (
      insert into sample (result_id, index, warmup, prompt_tokens, prompt_ns, generated_tokens, generation_ns, total_ns,
        load_ns, cpu_ns, peak_memory_bytes, gate_ms, before, after)
      select ${result.id}, s."index", s."warmup", s."promptTokens", s."promptNs", s."generatedTokens", s."generationNs",
        s."totalNs", s."loadNs", s."cpuNs", s."peakMemoryBytes", s."gateMs",
        nullif(s."before", 'null'::jsonb), nullif(s."after", 'null'::jsonb)
      from jsonb_to_recordset(${JSON.stringify(submission.samples)}::jsonb) as s(
        "index" int, "warmup" bool, "promptTokens" int, "promptNs" bigint, "generatedTokens" int, "generationNs" bigint,
        "totalNs" bigint, "loadNs" bigint, "cpuNs" bigint, "peakMemoryBytes" bigint, "gateMs" float8, "before" jsonb,
        "after" jsonb)
    ),
    marked as (
      insert into cell_stale (cell_key) select ${result.cellKey} where ${changesCell}
    )
    insert into result_metric (result_id, metric, n, median, mean, stddev, min, max, low, high)
    select ${result.id}, m."metric", m."n", m."median", m."mean", m."stddev", m."min", m."max", m."low", m."high"
    from jsonb_to_recordset(${JSON.stringify(result.metrics)}::jsonb) as m(
      "metric" text, "n" int, "median" float8, "mean" float8, "stddev" float8, "min" float8, "max" float8, "low" float8,
      "high" float8)`);
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
