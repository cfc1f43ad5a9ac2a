import type { Database } from "../platform/database/database.js";
import { foldCell } from "./cell.rules.js";
import { lockCells, nextCellKeys, takeEvidence, writeCells } from "./cell.store.js";

const REBUILD_BATCH = 200;

/**
 * Makes the cells of these keys what their results say, in one transaction. May run twice, late and beside itself: it computes from
 * what is stored under a lock per key, and counts nothing up. Never reads a sample.
 */
export async function foldCells(database: Database, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await database.inTransaction(
    async (tx) => {
      await lockCells(tx, keys);
      const evidence = await takeEvidence(tx, keys);
      const folds = evidence.map(({ key, newestId, input }) => ({
        key,
        newestId,
        ...foldCell(input),
      }));
      await writeCells(tx, keys, folds);
    },
    { isolation: "ReadCommitted" },
  );
}

/**
 * Folds every cell of the farm again from its results, in batches, and deletes cells that no result speaks for. The farm may go on
 * working meanwhile. Returns how many keys were folded.
 */
export async function rebuildCells(database: Database): Promise<number> {
  let after = "";
  let folded = 0;
  for (;;) {
    const keys = await nextCellKeys(database.prisma, after, REBUILD_BATCH);
    await foldCells(database, keys);
    folded += keys.length;
    const last = keys.at(-1);
    if (last === undefined || keys.length < REBUILD_BATCH) return folded;
    after = last;
  }
}
