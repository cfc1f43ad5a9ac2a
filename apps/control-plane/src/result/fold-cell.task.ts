import type { OnModuleInit } from "@nestjs/common";
import { z } from "zod";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { BackgroundTask, type TaskHandler } from "../platform/queue/define-task.js";
import { Periodic } from "../platform/schedule.js";
import { staleCellKeys } from "./cell.store.js";
import { foldCells } from "./fold-cells.js";

const REPAIR_BATCH = 100;

/** Folds the cell whose key is the task's key; a result asks for it in its own transaction. */
@BackgroundTask({ name: "fold-cell", payload: z.object({}).loose(), batch: 50 })
export class FoldCellTask implements TaskHandler, OnModuleInit {
  readonly #database: Database;
  readonly #periodic: Periodic;
  readonly #intervalMs: number;

  constructor(database: Database, periodic: Periodic, config: Config) {
    this.#database = database;
    this.#periodic = periodic;
    this.#intervalMs = config.timers.reconcileMs * 2;
  }

  /** Folds cells whose hint was lost: their marks are older than any hint's way takes. */
  onModuleInit(): void {
    this.#periodic.register("fold-stale-cells", this.#intervalMs, async (signal) => {
      let keys: string[];
      do {
        keys = await staleCellKeys(this.#database.prisma, this.#intervalMs, REPAIR_BATCH);
        await foldCells(this.#database, keys);
      } while (keys.length === REPAIR_BATCH && !signal.aborted);
    });
  }

  async run(_payload: unknown, { key }: { key: string }): Promise<void> {
    await foldCells(this.#database, [key]);
  }
}
