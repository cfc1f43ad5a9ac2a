import { newId, type Failure, type FailureCode } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { Config } from "../platform/config.js";
import type { SqlTx } from "../platform/database/database.js";
import { Wake } from "../platform/wake.js";
import { recordResult, type RecordResultInput } from "../result/record-result.js";
import { failureCodeOf } from "./attempt.rules.js";
import { FARM_VERSION, finishAttempt, type LockedAttempt } from "./attempt.store.js";
import { QUEUED_CHECK_MS, retryDelayMs, type Ending } from "./run.rules.js";

/** Outcomes that must be visible as a cell with a reason. */
const VISIBLE_FAILURES = ["failed", "timed_out", "infra_error"];

/** What accompanies the end of an attempt. */
export interface EndingDetails {
  actor: string;
  detail: string | null;
  failure: Failure | null;
  /** The canonical result, when the attempt brought it. */
  resultId: string | null;
}

/** The one place where a live attempt ends. */
@Injectable()
export class FinishAttempt {
  readonly #wake: Wake;
  readonly #requeueAfterLossMs: number;

  constructor(wake: Wake, config: Config) {
    this.#wake = wake;
    this.#requeueAfterLossMs = config.timers.requeueAfterLossMs;
  }

  /**
   * Ends a locked live attempt as decided, in the caller's transaction. A run that ends without a result for an infrastructure reason
   * gets a failed one, so that its cell says why it is empty. A run that goes straight back to the queue is told to waiting polls.
   */
  async finish(
    tx: SqlTx,
    held: LockedAttempt,
    ending: Ending,
    { actor, detail, failure, resultId }: EndingDetails,
  ): Promise<void> {
    const { run } = ending;
    let canonicalId = resultId;
    if (run.kind === "done" && resultId === null && VISIBLE_FAILURES.includes(run.outcome)) {
      canonicalId = await recordLoss(tx, held, failureCodeOf(ending.endReason), run.reason);
    }
    const delayMs =
      run.kind === "queued"
        ? retryDelayMs(run.delay, held.dispatchCount, this.#requeueAfterLossMs)
        : 0;
    await finishAttempt(tx, {
      attemptId: held.id,
      eventId: newId("event"),
      actor,
      endReason: ending.endReason,
      detail,
      failure,
      device: ending.device,
      charged: ending.charged,
      run:
        run.kind === "done"
          ? { ...run, resultId: canonicalId }
          : { kind: "queued", delayMs, checkMs: delayMs + QUEUED_CHECK_MS },
    });
    if (run.kind === "queued" && delayMs === 0) await this.#wake.publish(tx, [held.matchKey]);
  }
}

/** What `recordResult` needs of a locked attempt. */
export function resultContext(
  held: LockedAttempt,
): Pick<RecordResultInput, "orgId" | "run" | "attempt" | "device"> {
  return {
    orgId: held.orgId,
    run: {
      id: held.runId,
      quantId: held.quantId,
      workloadId: held.workloadId,
      engine: held.engine,
      engineVersion: held.engineVersion,
      requestedBackend: held.backend,
    },
    attempt: { id: held.id },
    device: {
      id: held.deviceId,
      skuId: held.skuId,
      cooling: held.cooling,
      simulated: held.simulated,
      facts: held.facts,
      engines: held.engines,
    },
  };
}

async function recordLoss(
  tx: SqlTx,
  held: LockedAttempt,
  code: FailureCode,
  message: string,
): Promise<string | null> {
  const recorded = await recordResult(tx, {
    ...resultContext(held),
    canonical: true,
    fenced: false,
    submission: {
      resultId: newId("result"),
      failure: { code, message: message.slice(0, 4000), exitCode: null, signal: null },
      samples: [],
      engine: null,
      requestedBackend: held.backend,
      effectiveBackend: null,
      backendEvidence: [],
      settings: null,
      modelSha256: null,
      command: null,
      rawOutput: null,
      agentVersion: FARM_VERSION,
      phasesMs: { prepareMs: null, gateMs: null, measureMs: null },
    },
  });
  return recorded.kind === "recorded" ? recorded.resultId : null;
}
