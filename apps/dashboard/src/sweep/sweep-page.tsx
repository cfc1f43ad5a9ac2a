import { routes, workloadName, type Run, type Sweep } from "@benchfarm/contracts";
import { Link, useParams } from "react-router";
import { StateBadge } from "../design/badge.js";
import { Facts, ShortId } from "../design/facts.js";
import { MoreButton } from "../design/more-button.js";
import { usePageTitle } from "../design/page-title.js";
import { useFarmList, useFarmQuery } from "../farm/farm-query.js";
import { Loaded } from "../farm/loaded.js";
import { formatCount } from "../format/format-number.js";
import { elapsedMs, formatDuration, formatInstant } from "../format/format-time.js";
import { RunsTable } from "../run/runs-table.js";
import { ProgressBar } from "./progress-bar.js";

const RUNS_AT_ONCE = 200;

function selectorWords(selector: Record<string, string[] | undefined>, everything: string): string {
  const parts = Object.entries(selector).flatMap(([name, values]) => {
    if (values === undefined) return [];
    if (!name.endsWith("Ids")) return [`${name}: ${values.join(", ")}`];
    return [`${formatCount(values.length, name.slice(0, -3))} by id`];
  });
  return parts.length === 0 ? everything : parts.join("; ");
}

/** One sweep: how far it is, how long yet, and every run with its reason. */
export function SweepPage() {
  const { id = "" } = useParams();
  const query = useFarmQuery(routes.readSweep, { params: { id } }, (sweep) =>
    sweep === undefined || sweep.state !== "done" ? 2000 : false,
  );
  const sweepDone = query.data?.state === "done";
  const runs = useFarmList<Run>(
    routes.listRuns,
    { query: { sweep: id, limit: RUNS_AT_ONCE } },
    // The list may be older than the sweep's own end: it is asked again until it has no open run either.
    (items) => (sweepDone && items.every((run) => run.state === "done") ? false : 3000),
  );
  usePageTitle(query.data?.name ?? "Sweep");
  return (
    <div className="page" data-testid="sweep-page">
      <p className="crumbs">
        <Link to="/sweeps">Sweeps</Link> / <ShortId id={id} length={16} />
      </p>
      <Loaded query={query}>{(sweep) => <SweepContent sweep={sweep} />}</Loaded>
      <section className="panel" aria-label="Runs">
        <h2>Runs</h2>
        <Loaded query={runs}>
          {(items) =>
            items.length === 0 ? (
              <p>This sweep has no runs: no device could serve any of its combinations.</p>
            ) : (
              <>
                <RunsTable runs={items} />
                <MoreButton query={runs} />
              </>
            )
          }
        </Loaded>
      </section>
    </div>
  );
}

function SweepContent({ sweep }: { sweep: Sweep }) {
  const { progress, spec } = sweep;
  const left =
    sweep.state === "done"
      ? `Ended after ${formatDuration(elapsedMs(sweep.createdAt, sweep.endedAt))}`
      : progress.remainingMs === null
        ? "Time left is known once its first run has finished"
        : `About ${formatDuration(progress.remainingMs)} left`;
  return (
    <>
      <header className="page-head">
        <h1>
          {sweep.name} <StateBadge word={sweep.state} />
        </h1>
        <p role="status" data-testid="sweep-left">
          {progress.done} of {formatCount(progress.total, "run")} done. {left}.{" "}
          <Link to="/">See the matrix</Link>
        </p>
      </header>
      <section className="panel" aria-label="Progress">
        <ProgressBar progress={progress} words />
        <Facts
          facts={[
            ["devices", selectorWords(spec.devices, "every active device")],
            ["quants", selectorWords(spec.quants, "every quant")],
            ["engines", spec.engines.map((e) => `${e.engine} on ${e.backend}`).join(", ")],
            ["workloads", spec.workloads.map(workloadName).join(", ")],
            ["band", sweep.band],
            ["created", formatInstant(sweep.createdAt)],
            ["ended", sweep.endedAt === null ? "not yet" : formatInstant(sweep.endedAt)],
          ]}
        />
      </section>
    </>
  );
}
