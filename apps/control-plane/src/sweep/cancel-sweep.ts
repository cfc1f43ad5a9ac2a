import { Problem } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { CancelRun } from "../run/cancel-run.js";
import { endSweepWhenSettled, lockSweep, markSweepCanceling } from "./sweep.store.js";

/** Cancels what is left of a sweep. */
@Injectable()
export class CancelSweep {
  readonly #database: Database;
  readonly #cancelRun: CancelRun;

  constructor(database: Database, cancelRun: CancelRun) {
    this.#database = database;
    this.#cancelRun = cancelRun;
  }

  /**
   * Cancels every run that is not done, in one transaction; results stay. The sweep is done at once when nobody works on it, else when
   * the last agent has stopped. Canceling again, or a sweep that is done, changes nothing. Throws `not_found`.
   */
  async cancel(orgId: string, id: string, reason: string | null, actor: string): Promise<void> {
    await this.#database.inTransaction(async (tx) => {
      // Attempts and runs are locked before the sweep, in the order in which the end of a run locks them.
      const canceled = await this.#cancelRun.cancelSweepRuns(tx, orgId, id, reason, actor);
      const state = await lockSweep(tx, orgId, id);
      if (state === null) throw new Problem("not_found", `there is no sweep ${id} in this org`);
      if (state === "active") {
        await markSweepCanceling(tx, id);
        await recordEvent(tx, {
          orgId,
          actor,
          kind: "sweep.canceling",
          subjectKind: "sweep",
          subjectId: id,
          data: { canceled, ...(reason === null ? {} : { reason }) },
        });
      }
      await endSweepWhenSettled(tx, id);
    });
  }
}
