import { Problem, type AttemptEndReason } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { Database, type SqlTx } from "../platform/database/database.js";
import { unknownAttempt } from "./accept-attempt.js";
import { acceptedEndReason } from "./attempt.rules.js";
import { lockAttempt, type LockedAttempt } from "./attempt.store.js";
import { FinishAttempt } from "./finish-attempt.js";
import { decideEnd } from "./run.rules.js";
import { budgetOf } from "./submit-result.js";

/** Ends attempts that bring no result. */
@Injectable()
export class EndAttempt {
  readonly #database: Database;
  readonly #finish: FinishAttempt;

  constructor(database: Database, finish: FinishAttempt) {
    this.#database = database;
    this.#finish = finish;
  }

  /**
   * Gives an attempt back by the agent's word. An attempt that has ended already, by its result or otherwise, is a success: there is
   * nothing left to end. Throws `not_found`, `stale_lease`, and `invalid_request` for a reason that needs a result or is the farm's.
   */
  async end(
    agentId: string,
    attemptId: string,
    {
      epoch,
      endReason,
      detail,
    }: { epoch: number; endReason: AttemptEndReason; detail: string | null },
  ): Promise<{ ended: boolean }> {
    return this.#database.inSqlTransaction(async (tx) => {
      const held = await lockAttempt(tx, attemptId);
      if (held === null || held.agentId !== agentId) throw unknownAttempt(attemptId);
      if (held.leaseEpoch !== epoch) {
        throw new Problem("stale_lease", "the attempt has another lease epoch; stop and clean up");
      }
      if (held.phase === "ended") return { ended: true };
      const reason =
        held.phase === "offered" ? "offer_lapsed" : acceptedEndReason(endReason, held.runState);
      if (reason === null) {
        throw new Problem(
          "invalid_request",
          `an attempt is not ended as ${endReason} by word alone: submit its result, or its failure, first`,
          [{ path: "body.endReason", message: "needs a result, or is only the farm's to give" }],
        );
      }
      await this.endHeld(tx, held, reason, agentId, detail);
      return { ended: true };
    });
  }

  /** Ends a locked live attempt for a reason already judged, in the caller's transaction. */
  async endHeld(
    tx: SqlTx,
    held: LockedAttempt,
    reason: AttemptEndReason,
    actor: string,
    detail: string | null,
  ): Promise<void> {
    const cause = `${SENTENCES[reason]} (${held.deviceName})${detail === null ? "" : `: ${detail}`}`;
    const ending = decideEnd(reason, budgetOf(held), cause);
    await this.#finish.finish(tx, held, ending, { actor, detail, failure: null, resultId: null });
  }
}

/** What happened, as the start of a sentence. */
const SENTENCES: Record<AttemptEndReason, string> = {
  completed: "completed",
  run_failed: "the benchmark failed",
  run_invalid: "the measurement was invalid",
  timed_out: "the benchmark took too long",
  lease_lost: "the device was not heard of for the whole lease",
  agent_crash: "the agent lost the attempt",
  device_lost: "the device was lost",
  gate_timeout: "the device did not get quiet in time",
  preempted: "more urgent work came first",
  drained: "the agent gave the attempt back",
  offer_lapsed: "the offer was not taken",
  canceled: "canceled",
  server_fault: "the farm failed to serve the attempt",
};
