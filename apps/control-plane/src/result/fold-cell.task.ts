import { z } from "zod";
import { Database } from "../platform/database/database.js";
import { BackgroundTask, type TaskHandler } from "../platform/queue/define-task.js";
import { foldCells } from "./fold-cells.js";

/** Folds the cell whose key is the task's key; a result asks for it in its own transaction. */
@BackgroundTask({ name: "fold-cell", payload: z.object({}), batch: 50 })
export class FoldCellTask implements TaskHandler {
  constructor(private readonly database: Database) {}

  async run(_payload: unknown, { key }: { key: string }): Promise<void> {
    await foldCells(this.database, [key]);
  }
}
