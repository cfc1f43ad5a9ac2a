import type { RunDetail } from "@benchfarm/contracts";
import type { Tx } from "../platform/database/database.js";
import { listEvents } from "../platform/events.store.js";
import { readResultDetail } from "../result/result-read.store.js";
import { listAttempts } from "./attempt.store.js";
import { findRun } from "./run-read.store.js";

const MAX_EVENTS = 200;

/** One run with attempts, its newest events and its canonical result's raw samples, or null. */
export async function readRun(tx: Tx, orgId: string, id: string): Promise<RunDetail | null> {
  const found = await findRun(tx, orgId, id);
  if (found === null) return null;
  const { run } = found;
  const attempts = await listAttempts(tx, orgId, id);
  const events = await listEvents(tx, orgId, "run", id, { limit: MAX_EVENTS });
  const result = run.resultId === null ? null : await readResultDetail(tx, orgId, run.resultId);
  return { ...run, attempts, events: events.items, result };
}
