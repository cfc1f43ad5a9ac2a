import { newId, Problem, type ResultSubmission } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { Database, type SqlTx } from "../platform/database/database.js";
import { recordResult, type RecordOutcome } from "../result/record-result.js";
import { unknownAttempt } from "./accept-attempt.js";
import {
  finishAttempt,
  isFarmResult,
  lockAttempt,
  readLiveAttempt,
  type LockedAttempt,
} from "./attempt.store.js";
import { FinishAttempt, resultContext } from "./finish-attempt.js";
import { decideFailure, decideMeasured, lateResultCounts, type Ending } from "./run.rules.js";
import { completeRunLate } from "./run.store.js";

export interface SubmittedResult {
  resultId: string;
  canonical: boolean;
  fenced: boolean;
}

type Recorded = Extract<RecordOutcome, { kind: "recorded" }>;

/** Takes the raw samples of an attempt, or the reason for none. */
@Injectable()
export class SubmitResult {
  readonly #database: Database;
  readonly #finish: FinishAttempt;

  constructor(database: Database, finish: FinishAttempt) {
    this.#database = database;
    this.#finish = finish;
  }

  /**
   * Stores the result and ends the attempt, in one transaction. The same submission again gets the same answer. A result whose lease
   * was lost is kept as fenced evidence, and counts only if its run is not done and nobody newer has begun: then the pending retry is
   * withdrawn. Throws `not_found`, `stale_lease` for an epoch the attempt never had, `conflicting_result` (the copy is kept).
   */
  async submit(
    agentId: string,
    attemptId: string,
    epoch: number,
    submission: ResultSubmission,
  ): Promise<SubmittedResult> {
    const outcome = await this.#database.inSqlTransaction((tx) =>
      this.#submit(tx, agentId, attemptId, epoch, submission),
    );
    if (outcome.kind === "stored") return outcome.reply;
    throw new Problem(
      "conflicting_result",
      `${outcome.storedResultId} is stored for this attempt with other content; this copy is kept as ${outcome.evidenceId}. An attempt has one result: send the same bytes again, or nothing`,
    );
  }

  async #submit(
    tx: SqlTx,
    agentId: string,
    attemptId: string,
    epoch: number,
    submission: ResultSubmission,
  ): Promise<
    | { kind: "stored"; reply: SubmittedResult }
    | { kind: "conflict"; storedResultId: string; evidenceId: string }
  > {
    const held = await lockAttempt(tx, attemptId);
    if (held === null || held.agentId !== agentId) throw unknownAttempt(attemptId);
    if (held.leaseEpoch !== epoch) {
      throw new Problem("stale_lease", "the attempt has another lease epoch; stop and clean up");
    }
    if (held.phase === "offered") {
      throw new Problem("stale_lease", "the offer was never accepted; accept it before any work");
    }
    const late = held.phase === "ended";
    const newer = late ? await lockLiveAttempt(tx, held.runId) : null;
    const counts = !late || lateResultCounts(held.runState, newer?.phase ?? null);
    const ending = submission.failure === null ? null : endingOf(held, submission.failure);
    const recorded = await recordResult(tx, {
      ...resultContext(held),
      submission,
      canonical: counts && (ending === null || ending.run.kind === "done"),
      fenced: late,
    });
    if (recorded.kind === "conflict") {
      // The farm's own note that an attempt was lost is no result of the agent's: what comes after it is late evidence.
      if (!(await isFarmResult(tx, recorded.storedResultId))) return recorded;
      return {
        kind: "stored",
        reply: { resultId: recorded.evidenceId, canonical: false, fenced: true },
      };
    }
    const { resultId, canonical, fenced } = recorded;
    if (!recorded.replay) {
      const decided = decide(held, recorded, ending);
      if (!late) {
        await this.#finish.finish(tx, held, decided, {
          actor: agentId,
          detail: recorded.failure?.message ?? null,
          failure: recorded.failure,
          resultId: canonical || recorded.validity === "invalid" ? resultId : null,
        });
      } else if (canonical) {
        await this.#completeLate(tx, held, newer, decided, resultId);
      }
    }
    return { kind: "stored", reply: { resultId, canonical, fenced } };
  }

  /** A late result that counts ends its run; an offer of the retry that nobody has taken is withdrawn first. */
  async #completeLate(
    tx: SqlTx,
    held: LockedAttempt,
    pending: LockedAttempt | null,
    { run }: Ending,
    resultId: string,
  ): Promise<void> {
    if (run.kind !== "done") return;
    if (pending === null) {
      await completeRunLate(tx, {
        runId: held.runId,
        attemptId: held.id,
        actor: held.agentId,
        ...run,
        resultId,
      });
      return;
    }
    await finishAttempt(tx, {
      attemptId: pending.id,
      eventId: newId("event"),
      actor: held.agentId,
      endReason: "canceled",
      detail: `withdrawn: the result of attempt ${held.id} came after all`,
      failure: null,
      device: "ready",
      charged: false,
      run: { ...run, resultId },
    });
  }
}

/** The live attempt of a run whose lock is held: it can be accepted still, but not end, before this transaction does. */
async function lockLiveAttempt(tx: SqlTx, runId: string): Promise<LockedAttempt | null> {
  const live = await readLiveAttempt(tx, runId);
  return live === null ? null : lockAttempt(tx, live.id);
}

function endingOf(
  held: LockedAttempt,
  failure: { code: Parameters<typeof decideFailure>[0]; message: string },
): Ending {
  return decideFailure(failure.code, budgetOf(held), `${failure.code}: ${failure.message}`);
}

/** The decision about a stored result; one that counts is final, even where another try could have been made. */
function decide(held: LockedAttempt, recorded: Recorded, stated: Ending | null): Ending {
  if (recorded.failure === null) {
    return decideMeasured(recorded.validity);
  }
  const ending = stated ?? endingOf(held, recorded.failure);
  if (ending.run.kind === "done" || !recorded.canonical) return ending;
  const reason = `${recorded.failure.code}: ${recorded.failure.message}`;
  return { ...ending, run: { kind: "done", outcome: "failed", reason } };
}

/** The part of a locked attempt that decisions about its run look at. */
export function budgetOf(held: LockedAttempt) {
  return {
    state: held.runState,
    dispatchCount: held.dispatchCount,
    chargedCount: held.chargedCount,
    maxAttempts: held.maxAttempts,
  };
}
