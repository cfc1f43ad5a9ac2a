import { newId, Problem } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { ExpiryTimer } from "./expiry-timer.js";
import { acceptAttempt } from "./lease.store.js";

/** Takes an offer. */
@Injectable()
export class AcceptAttempt {
  readonly #database: Database;
  readonly #timer: ExpiryTimer;
  readonly #leaseMs: number;

  constructor(database: Database, timer: ExpiryTimer, config: Config) {
    this.#database = database;
    this.#timer = timer;
    this.#leaseMs = config.timers.leaseMs;
  }

  /**
   * Makes the offer a lease; whoever was first, this or its lapse, has won. The same accept again gets the same answer while the lease
   * holds. Throws `not_found`, `stale_lease`, and `run_gone` when the run was canceled meanwhile.
   */
  async accept(
    agentId: string,
    attemptId: string,
    { epoch, claimId }: { epoch: number; claimId: string },
  ): Promise<{ leaseUntil: string; leaseMs: number }> {
    const row = await acceptAttempt(this.#database.sql, {
      attemptId,
      agentId,
      epoch,
      claimId,
      eventId: newId("event"),
      leaseMs: this.#leaseMs,
      timer: this.#timer.reminderIn(this.#leaseMs),
    });
    if (row === null) throw unknownAttempt(attemptId);
    const fits = row.epoch === epoch && row.claimId === claimId;
    if (row.phase === "ended" && fits && row.endReason === "canceled") {
      throw new Problem("run_gone", "the run was canceled; drop the offer and poll again");
    }
    if (!fits || row.phase === "ended") {
      throw new Problem("stale_lease", "the offer is over; drop it and poll again");
    }
    return { leaseUntil: row.leaseUntil.toISOString(), leaseMs: this.#leaseMs };
  }
}

/** The answer to a write about an attempt that is not this agent's. */
export function unknownAttempt(attemptId: string): Problem {
  return new Problem("not_found", `the farm never gave the attempt ${attemptId} to this agent`);
}
