import { Problem } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import type { Tx } from "../platform/database/database.js";
import { lockAttempt, readLiveAttempt } from "./attempt.store.js";
import { FinishAttempt } from "./finish-attempt.js";
import { CANCEL_BOUND_MS } from "./run.rules.js";
import { cancelWaitingRuns, listActiveRuns, lockRun, markCanceling } from "./run.store.js";

/** Cancels runs. */
@Injectable()
export class CancelRun {
  readonly #finish: FinishAttempt;

  constructor(finish: FinishAttempt) {
    this.#finish = finish;
  }

  /**
   * Cancels one run: at once while nobody works on it, else it is `canceling` until its agent has stopped, which its next heartbeat
   * asks for. Canceling a run that is canceling or done changes nothing. Throws `not_found`.
   */
  async cancel(
    tx: Tx,
    orgId: string,
    runId: string,
    reason: string | null,
    actor: string,
  ): Promise<void> {
    const live = await readLiveAttempt(tx, runId);
    const held = live === null ? null : await lockAttempt(tx, live.id);
    const run = await lockRun(tx, orgId, runId);
    if (run === null) throw new Problem("not_found", `there is no run ${runId} in this org`);
    if (run.state === "done" || run.state === "canceling") return;
    const sentence = reason === null ? "canceled" : `canceled: ${reason}`;
    if (run.state === "active") {
      // An attempt that came between the two locks is asked to stop like any other.
      if (held !== null && held.phase === "offered") {
        await this.#finish.finish(
          tx,
          held,
          {
            endReason: "canceled",
            charged: false,
            device: "ready",
            run: { kind: "done", outcome: "canceled", reason: sentence },
          },
          { actor, detail: reason, failure: null, resultId: null },
        );
        return;
      }
      await markCanceling(tx, { runId, orgId, actor, reason: sentence, boundMs: CANCEL_BOUND_MS });
      return;
    }
    await cancelWaitingRuns(tx, { orgId, runIds: [runId], actor, reason: sentence });
  }

  /** Cancels all runs of a sweep that are not done, as `cancel` does; returns how many are affected. */
  async cancelSweepRuns(
    tx: Tx,
    orgId: string,
    sweepId: string,
    reason: string | null,
    actor: string,
  ): Promise<number> {
    const sentence = reason === null ? "canceled" : `canceled: ${reason}`;
    // Active ones first: each needs its attempt's lock before its run's, so nothing may be locked yet.
    const active = await listActiveRuns(tx, orgId, sweepId);
    for (const runId of active) await this.cancel(tx, orgId, runId, reason, actor);
    const waiting = await cancelWaitingRuns(tx, { orgId, sweepId, actor, reason: sentence });
    return active.length + waiting;
  }
}
