import { Injectable } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { Log } from "../platform/log.js";
import { Wake } from "../platform/wake.js";
import { lockAttempt } from "./attempt.store.js";
import { FinishAttempt } from "./finish-attempt.js";
import { QUEUED_CHECK_MS } from "./run.rules.js";
import {
  freeUnheldDevices,
  findOverdueCancels,
  postponeQueuedChecks,
  requeueUnheldRuns,
} from "./repair.store.js";

/** Repairs what no verb should ever leave behind, and says so loudly (orchestration B9.5: R1, R3, R6). */
@Injectable()
export class RepairRuns {
  readonly #database: Database;
  readonly #finish: FinishAttempt;
  readonly #wake: Wake;
  readonly #log: Log;

  constructor(database: Database, finish: FinishAttempt, wake: Wake, log: Log) {
    this.#database = database;
    this.#finish = finish;
    this.#wake = wake;
    this.#log = log;
  }

  /** One pass over the books; returns how much was repaired. */
  async repair(): Promise<{ runs: number; devices: number; cancels: number; woken: number }> {
    const cancels = await this.#endOverdueCancels();
    const runs = await requeueUnheldRuns(this.#database.prisma, QUEUED_CHECK_MS);
    const devices = await freeUnheldDevices(this.#database.prisma);
    const woken = await this.#database.inTransaction(async (tx) => {
      const keys = await postponeQueuedChecks(tx, QUEUED_CHECK_MS);
      await this.#wake.publish(tx, keys);
      return keys.length;
    });
    if (runs + devices > 0) {
      this.#log.error(
        `repaired ${runs} runs without an attempt and ${devices} devices leased to nobody; this is a fault of the farm`,
      );
    }
    return { runs, devices, cancels, woken };
  }

  /** A canceled run whose agent never confirmed: it ends, and its device is unreachable until the agent speaks again. */
  async #endOverdueCancels(): Promise<number> {
    let ended = 0;
    for (const attemptId of await findOverdueCancels(this.#database.prisma)) {
      await this.#database.inTransaction(async (tx) => {
        const held = await lockAttempt(tx, attemptId);
        if (held === null || held.phase === "ended" || held.runState !== "canceling") return;
        ended += 1;
        const detail = "the agent did not confirm in time";
        await this.#finish.finish(
          tx,
          held,
          {
            endReason: "canceled",
            charged: false,
            device: "unreachable",
            run: { kind: "done", outcome: "canceled", reason: `canceled; ${detail}` },
          },
          { actor: "farm", detail, failure: null, resultId: null },
        );
      });
    }
    return ended;
  }
}
