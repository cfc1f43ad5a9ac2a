import {
  newId,
  Problem,
  type Backend,
  type DeviceEngine,
  type EngineFacts,
  type Failure,
  type MachineFacts,
  type ResultSubmission,
  type Validity,
} from "@benchfarm/contracts";
import { registerEngine } from "../catalogue/engine.store.js";
import type { SqlTx } from "../platform/database/database.js";
import { enqueue } from "../platform/outbox.store.js";
import { cellKeyOf, comparisonKey } from "./comparison-key.rules.js";
import { summarizeMetrics } from "./metric-summary.rules.js";
import { insertResult, readBackground, type StoredResult } from "./result.store.js";
import { duplicateIndex, findFailure, storable, submissionDigest } from "./submission.rules.js";
import { judge } from "./validity.rules.js";

/** A submission with the run, attempt and device that the farm knows it belongs to. */
export interface RecordResultInput {
  orgId: string;
  run: {
    id: string;
    quantId: string;
    workloadId: string;
    engine: string;
    engineVersion: string | null;
    requestedBackend: Backend;
  };
  attempt: { id: string };
  device: {
    id: string;
    skuId: string;
    cooling: string;
    simulated: boolean;
    facts: MachineFacts;
    engines: DeviceEngine[];
  };
  submission: ResultSubmission;
  /** Whether it is to count for its run; a measurement that turns out invalid never does. */
  canonical: boolean;
  /** It came after its lease was lost. */
  fenced: boolean;
}

/** What became of a submission. `conflict`: other content was stored for the attempt before; this copy is kept beside it. */
export type RecordOutcome =
  | {
      kind: "recorded";
      resultId: string;
      status: "measured" | "failed";
      failure: Failure | null;
      validity: Validity;
      canonical: boolean;
      fenced: boolean;
      cellKey: string | null;
      /** The same submission had been stored before; nothing was changed. */
      replay: boolean;
    }
  | { kind: "conflict"; storedResultId: string; evidenceId: string };

/**
 * Stores what an attempt brought: checks it against what was asked, computes every number from the counters, judges it, finds its
 * comparison key, and asks for its cell to be folded. The caller holds the attempt's row lock, so submissions of one attempt come one
 * after the other, and sees to it that at most one result of a run is canonical. A conflict is a value: its evidence must be committed
 * before the caller throws. Throws Problem `invalid_request` for a submission that cannot be stored.
 */
export async function recordResult(tx: SqlTx, input: RecordResultInput): Promise<RecordOutcome> {
  const { orgId, run, attempt, device } = input;
  const digest = submissionDigest(input.submission);
  const submission = storable(input.submission);
  const twice = duplicateIndex(submission.samples);
  if (twice !== null) {
    throw new Problem("invalid_request", `two samples have index ${twice}; number them from 0`, [
      { path: "body.result.samples", message: `index ${twice} appears twice` },
    ]);
  }
  const background = await readBackground(tx, {
    orgId,
    quantId: run.quantId,
    workloadId: run.workloadId,
    runId: run.id,
    attemptId: attempt.id,
    resultId: submission.resultId,
  });
  const earlier = decideAgainst(background.stored, attempt.id, digest);
  if (earlier.kind === "replay") return { ...earlier.outcome, replay: true };
  if (earlier.kind === "conflict" && earlier.evidenceId !== null) {
    return { kind: "conflict", storedResultId: earlier.stored.id, evidenceId: earlier.evidenceId };
  }

  const conflicting = earlier.kind === "conflict";
  const failure = findFailure(submission, {
    engine: run.engine,
    engineVersion: run.engineVersion,
    backend: run.requestedBackend,
    modelSha256: background.modelSha256,
    workload: background.workload,
  });
  const metrics =
    failure === null
      ? summarizeMetrics(submission.samples, {
          decodeBytesPerToken: background.decodeBytesPerToken,
          memoryBandwidthBytesPerSecond: device.facts.memoryBandwidthBytesPerSecond,
        })
      : [];
  const verdict =
    failure === null
      ? judge(submission.samples, background.workload, metrics)
      : { validity: "valid" as const, reasons: [] };
  const engine = submission.engine ?? ownEngine(device.engines, run);
  const engineId = engine === null ? null : await registerEngine(tx, orgId, engine);
  const keyFields =
    engineId === null
      ? null
      : comparisonKey({
          skuId: device.skuId,
          cooling: device.cooling,
          simulated: device.simulated,
          facts: device.facts,
          modelSha256: background.modelSha256,
          engineId,
          workloadDigest: background.workloadDigest,
          requestedBackend: run.requestedBackend,
          submission,
          failed: failure !== null,
        });
  const cellKey = keyFields === null ? null : cellKeyOf(keyFields);
  const status = failure === null ? ("measured" as const) : ("failed" as const);
  const canonical = input.canonical && !conflicting && verdict.validity !== "invalid";
  const fenced = input.fenced || conflicting;
  // A conflicting copy may carry the id of the result that it contradicts.
  const resultId = conflicting ? newId("result") : submission.resultId;
  await insertResult(tx, {
    id: resultId,
    orgId,
    runId: run.id,
    attemptId: attempt.id,
    deviceId: device.id,
    skuId: device.skuId,
    quantId: run.quantId,
    workloadId: run.workloadId,
    engineId,
    status,
    failure,
    validity: verdict.validity,
    validityReasons: verdict.reasons,
    canonical,
    fenced,
    cellKey,
    keyFields,
    simulated: device.simulated,
    submission,
    submissionDigest: digest,
    metrics,
  });
  if (conflicting) {
    return { kind: "conflict", storedResultId: earlier.stored.id, evidenceId: resultId };
  }
  if (cellKey !== null) await enqueue(tx, { task: "fold-cell", key: cellKey });
  return {
    kind: "recorded",
    resultId,
    status,
    failure,
    validity: verdict.validity,
    canonical,
    fenced,
    cellKey,
    replay: false,
  };
}

type Earlier =
  | { kind: "none" }
  | {
      kind: "replay";
      outcome: Omit<Extract<RecordOutcome, { kind: "recorded" }>, "replay">;
    }
  | { kind: "conflict"; stored: StoredResult; evidenceId: string | null };

/** What stands against storing a submission: nothing, itself, or other content for its attempt or under its id. */
function decideAgainst(stored: StoredResult[], attemptId: string, digest: string): Earlier {
  const ofAttempt = stored.filter((result) => result.attemptId === attemptId);
  const same = ofAttempt.find((result) => result.digest === digest);
  const other =
    ofAttempt.find((result) => result.digest !== digest && !result.fenced) ??
    ofAttempt.find((result) => result.digest !== digest) ??
    stored.find((result) => result.attemptId !== attemptId);
  if (same !== undefined && (other === undefined || !same.fenced || other.fenced)) {
    const { id, status, failure, validity, canonical, fenced, cellKey } = same;
    return {
      kind: "replay",
      outcome: {
        kind: "recorded",
        resultId: id,
        status,
        failure,
        validity,
        canonical,
        fenced,
        cellKey,
      },
    };
  }
  return other === undefined
    ? { kind: "none" }
    : { kind: "conflict", stored: other, evidenceId: same?.id ?? null };
}

/** The device's own engine for a run, for a failure that came before the agent could say which engine it was. */
function ownEngine(
  engines: readonly DeviceEngine[],
  run: RecordResultInput["run"],
): EngineFacts | null {
  const own = engines.find(
    (engine) =>
      engine.adapter === run.engine &&
      (run.engineVersion === null || engine.version === run.engineVersion),
  );
  if (own === undefined) return null;
  const { adapter, name, version, build, program } = own;
  return { adapter, name, version, build, program };
}
