import { Injectable } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { lockAttempt } from "./attempt.store.js";
import { EndAttempt } from "./end-attempt.js";
import { findExpired } from "./lease.store.js";

const BATCH = 100;

/** Ends attempts whose lease is over. */
@Injectable()
export class ExpireLeases {
  readonly #database: Database;
  readonly #endAttempt: EndAttempt;

  constructor(database: Database, endAttempt: EndAttempt) {
    this.#database = database;
    this.#endAttempt = endAttempt;
  }

  /** Ends every attempt whose lease is over now, each in its own transaction; returns how many. Safe to run beside itself. */
  async expireAll(): Promise<number> {
    let expired = 0;
    for (;;) {
      const ids = await findExpired(this.#database.sql, BATCH);
      const done = await Promise.all(ids.map((id) => this.expire(id)));
      const ended = done.filter(Boolean).length;
      expired += ended;
      if (ids.length < BATCH || ended === 0) return expired;
    }
  }

  /**
   * Ends one attempt if its lease is over by the database's clock, looked at under the lock: a heartbeat or an accept that was faster
   * has won. An offer lapses at no cost; a lease that was lost is charged.
   */
  async expire(attemptId: string): Promise<boolean> {
    return this.#database.inSqlTransaction(async (tx) => {
      const held = await lockAttempt(tx, attemptId);
      if (held === null || held.phase === "ended" || !held.leaseOver) return false;
      const reason = held.phase === "offered" ? "offer_lapsed" : "lease_lost";
      await this.#endAttempt.endHeld(tx, held, reason, "farm", null);
      return true;
    });
  }
}
