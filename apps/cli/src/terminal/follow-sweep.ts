import { setTimeout as delay } from "node:timers/promises";
import { routes, type Client, type Run, type Sweep } from "@benchfarm/contracts";
import { formatBar, formatDuration } from "./format.js";
import type { Screen } from "./screen.js";

const POLL_MS = 700;

/**
 * Shows a sweep's progress until it is done: a bar, the time left, what runs where and in which phase; each run that ended leaves a
 * line when it did not succeed. Returns the ended sweep.
 */
export async function followSweep(client: Client, sweepId: string, screen: Screen): Promise<Sweep> {
  const told = new Set<string>();
  let loggedDone = -1;
  let loggedLeft = "";
  for (;;) {
    const sweep = await client.call(routes.readSweep, { params: { id: sweepId } });
    const active = await client.call(routes.listRuns, {
      query: { sweep: sweepId, state: "active", limit: 100 },
    });
    await tellFailures(client, sweepId, sweep, told, screen);
    const { progress } = sweep;
    const left =
      progress.remainingMs === null ? "" : `, about ${formatDuration(progress.remainingMs)} left`;
    // A log gets a new estimate with each run that ended, not with each second.
    if (progress.done !== loggedDone) {
      loggedDone = progress.done;
      loggedLeft = left;
    }
    const head = `${formatBar(progress.done / Math.max(1, progress.total), 24)} ${progress.done}/${progress.total} runs${left}`;
    screen.progress(
      [head, ...active.items.slice(0, 6).map((run) => `  ${describeRun(run)}`)],
      `run ${progress.done}/${progress.total}${loggedLeft}${active.items[0] === undefined ? "" : `: ${describeRun(active.items[0], false)}`}`,
    );
    if (sweep.state === "done") {
      screen.clear();
      return sweep;
    }
    await delay(POLL_MS);
  }
}

function describeRun(run: Run, withPhase = true): string {
  const phase = withPhase && run.phase !== null ? ` · ${run.phase}` : "";
  const waiting =
    run.reason === null ? "" : ` · waiting: ${withPhase ? run.reason : "the device is not quiet"}`;
  return `${run.modelName} ${run.quantName} ${run.workloadName} on ${run.deviceName ?? "a device"}${phase}${waiting}`;
}

async function tellFailures(
  client: Client,
  sweepId: string,
  sweep: Sweep,
  told: Set<string>,
  screen: Screen,
): Promise<void> {
  const ended = sweep.progress.done - (sweep.progress.outcomes.succeeded ?? 0);
  if (ended <= told.size) return;
  const { items } = await client.call(routes.listRuns, {
    query: { sweep: sweepId, state: "done", limit: 500 },
  });
  for (const run of items) {
    if (run.outcome === "succeeded" || told.has(run.id)) continue;
    told.add(run.id);
    screen.line(
      `✗ ${run.modelName} ${run.quantName} ${run.workloadName}: ${run.outcome}${run.reason === null ? "" : `: ${run.reason}`}`,
    );
  }
}
