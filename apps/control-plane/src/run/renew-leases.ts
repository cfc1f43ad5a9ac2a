import type { AttemptEndReason, RunState } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { recordPresence } from "../device/record-presence.js";
import type { ReportedPresence } from "../device/presence.store.js";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { ExpiryTimer } from "./expiry-timer.js";
import { renewLeases, type HeartbeatItem, type RenewedRow } from "./lease.store.js";
import { leaseDurationMs } from "./lease.rules.js";

export interface RenewedLease {
  attemptId: string;
  held: boolean;
  leaseUntil: string | null;
  mustStop: boolean;
  reason: string | null;
}

/** One heartbeat for a whole agent. */
@Injectable()
export class RenewLeases {
  readonly #database: Database;
  readonly #timer: ExpiryTimer;
  readonly #timers: Config["timers"];

  constructor(database: Database, timer: ExpiryTimer, config: Config) {
    this.#database = database;
    this.#timer = timer;
    this.#timers = config.timers;
  }

  /**
   * Renews every lease the agent still holds and says of each attempt whether to go on. A lease that is lost or an attempt unknown is
   * an answer, not an error. Throws `session_unknown`.
   */
  async renew(
    agentId: string,
    sessionId: string,
    items: HeartbeatItem[],
    devices: ReportedPresence[],
  ): Promise<RenewedLease[]> {
    const { leaseMs, maxQuietMs } = this.#timers;
    await recordPresence(this.#database.sql, agentId, sessionId, devices, leaseMs);
    if (items.length === 0) return [];
    const longestQuietMs = Math.max(...items.map((item) => item.quietMs));
    const rows = await renewLeases(this.#database.sql, {
      agentId,
      items,
      leaseMs,
      maxQuietMs,
      timer: this.#timer.reminderIn(leaseDurationMs(leaseMs, longestQuietMs, maxQuietMs)),
    });
    return rows.map(toRenewedLease);
  }
}

function toRenewedLease(row: RenewedRow): RenewedLease {
  const mustStop = !row.held || row.runState === "canceling";
  return {
    attemptId: row.attemptId,
    held: row.held,
    leaseUntil: row.leaseUntil?.toISOString() ?? null,
    mustStop,
    reason: mustStop ? stopReason(row) : null,
  };
}

function stopReason(row: {
  held: boolean;
  phase: RenewedRow["phase"];
  endReason: AttemptEndReason | null;
  runState: RunState | null;
}): string {
  if (row.held) return "the run was canceled";
  if (row.phase === null) return "the farm never gave this attempt to this agent";
  if (row.phase === "offered") return "the offer was not accepted";
  if (row.phase === "ended") return `the attempt has ended: ${row.endReason}`;
  return "the attempt has another lease epoch";
}
