import { Injectable } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { judgeReport, type ReportVerdict } from "./attempt.rules.js";
import { lockAttempt, readJournal } from "./attempt.store.js";
import { EndAttempt } from "./end-attempt.js";

export interface AttemptReport {
  attemptId: string;
  epoch: number;
  hasResult: boolean;
}

export interface Directive {
  attemptId: string;
  directive: ReportVerdict["directive"];
  reason: string;
}

/** Brings an agent's journal and the farm's books together. */
@Injectable()
export class SyncAttempts {
  readonly #database: Database;
  readonly #endAttempt: EndAttempt;

  constructor(database: Database, endAttempt: EndAttempt) {
    this.#database = database;
    this.#endAttempt = endAttempt;
  }

  /**
   * Says for each attempt in the agent's journal whether to go on, to deliver its result, or to stop; and ends what the farm thinks
   * the agent holds but the agent does not: an offer it never took lapses, anything else is an `agent_crash`. Attempts are taken one
   * by one in the order of their ids, each in its own transaction, so the answer may be asked for again at any point.
   */
  async sync(agentId: string, reports: AttemptReport[]): Promise<Directive[]> {
    const ids = reports.map((report) => report.attemptId);
    const journal = await readJournal(this.#database.sql, agentId, ids);
    const held = new Map(journal.map((row) => [row.attemptId, row]));
    const directives: Directive[] = [];
    for (const report of reports) {
      const verdict = judgeReport(held.get(report.attemptId) ?? null, report);
      if (verdict.end !== null) await this.#end(report.attemptId, agentId, verdict.reason);
      directives.push({
        attemptId: report.attemptId,
        directive: verdict.directive,
        reason: verdict.reason,
      });
    }
    const reported = new Set(ids);
    for (const orphan of journal) {
      if (orphan.phase === "ended" || reported.has(orphan.attemptId)) continue;
      await this.#end(orphan.attemptId, agentId, "the agent has no record of it");
    }
    return directives;
  }

  async #end(attemptId: string, agentId: string, detail: string): Promise<void> {
    await this.#database.inSqlTransaction(async (tx) => {
      const held = await lockAttempt(tx, attemptId);
      if (held === null || held.phase === "ended") return;
      const reason =
        held.phase === "offered"
          ? "offer_lapsed"
          : held.runState === "canceling"
            ? "canceled"
            : "agent_crash";
      await this.#endAttempt.endHeld(tx, held, reason, agentId, detail);
    });
  }
}
