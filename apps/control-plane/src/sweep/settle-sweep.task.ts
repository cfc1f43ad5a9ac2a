import type { OnModuleInit } from "@nestjs/common";
import { z } from "zod";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { BackgroundTask, type TaskHandler } from "../platform/queue/define-task.js";
import { Periodic } from "../platform/schedule.js";
import { endSweepWhenSettled, findSettledSweeps } from "./sweep.store.js";

const REPAIR_BATCH = 100;

/** Ends a sweep when its last run has ended; every end of a run asks for it, with the sweep's id as key. */
@BackgroundTask({ name: "settle-sweep", payload: z.object({}).loose() })
export class SettleSweepTask implements TaskHandler, OnModuleInit {
  readonly #database: Database;
  readonly #periodic: Periodic;
  readonly #intervalMs: number;

  constructor(database: Database, periodic: Periodic, config: Config) {
    this.#database = database;
    this.#periodic = periodic;
    this.#intervalMs = config.timers.reconcileMs * 2;
  }

  /** Finds sweeps whose hint was lost. */
  onModuleInit(): void {
    this.#periodic.register("settle-sweeps", this.#intervalMs, async () => {
      for (const id of await findSettledSweeps(this.#database.prisma, REPAIR_BATCH)) {
        await this.#settle(id);
      }
    });
  }

  async run(_payload: unknown, { key }: { key: string }): Promise<void> {
    await this.#settle(key);
  }

  async #settle(id: string): Promise<void> {
    await this.#database.inTransaction((tx) => endSweepWhenSettled(tx, id));
  }
}
