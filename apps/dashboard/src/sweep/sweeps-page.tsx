import { routes, type Sweep } from "@benchfarm/contracts";
import { Link } from "react-router";
import { useNowMs } from "../clock.js";
import { StateBadge } from "../design/badge.js";
import { CopyButton } from "../design/copy-button.js";
import { DataTable, type TableColumn } from "../design/data-table.js";
import { MoreButton } from "../design/more-button.js";
import { usePageTitle } from "../design/page-title.js";
import { useFarmList } from "../farm/farm-query.js";
import { Loaded } from "../farm/loaded.js";
import { formatAgo, formatDuration } from "../format/format-time.js";
import { ProgressBar } from "./progress-bar.js";

function Started({ at }: { at: string }) {
  return <span title={at}>{formatAgo(at, useNowMs())}</span>;
}

const COLUMNS: TableColumn<Sweep>[] = [
  {
    id: "name",
    header: "Sweep",
    accessorFn: (sweep) => sweep.name,
    cell: ({ row }) => <Link to={`/sweeps/${row.original.id}`}>{row.original.name}</Link>,
  },
  {
    id: "state",
    header: "State",
    accessorFn: (sweep) => sweep.state,
    cell: ({ row }) => <StateBadge word={row.original.state} />,
  },
  {
    id: "progress",
    header: "Progress",
    accessorFn: ({ progress }) => progress.done / Math.max(1, progress.total),
    cell: ({ row }) => (
      <div className="progress-cell">
        <ProgressBar progress={row.original.progress} words={false} />
        <span>
          {row.original.progress.done} of {row.original.progress.total}
        </span>
      </div>
    ),
  },
  {
    id: "left",
    header: "Time left",
    accessorFn: (sweep) => sweep.progress.remainingMs ?? -1,
    cell: ({ row }) =>
      row.original.state === "done" ? "–" : formatDuration(row.original.progress.remainingMs),
  },
  { id: "band", header: "Band", accessorFn: (sweep) => sweep.band },
  {
    id: "created",
    header: "Created",
    accessorFn: (sweep) => sweep.createdAt,
    cell: ({ row }) => <Started at={row.original.createdAt} />,
  },
];

/** All sweeps, newest first. */
export function SweepsPage() {
  usePageTitle("Sweeps");
  const query = useFarmList<Sweep>(routes.listSweeps, {}, (sweeps) =>
    sweeps.some((sweep) => sweep.state !== "done") ? 2000 : 15_000,
  );
  return (
    <div className="page" data-testid="sweeps-page">
      <h1>Sweeps</h1>
      <Loaded query={query}>
        {(sweeps) =>
          sweeps.length === 0 ? (
            <section className="panel" data-testid="no-sweeps">
              <h2>No sweep yet</h2>
              <p>
                A sweep crosses devices with quants, engines and workloads and makes one run of
                every combination. <code>npm run demo</code>{" "}
                <CopyButton text="npm run demo" what="npm run demo" /> runs one over this machine;{" "}
                <code>POST /v1/sweeps</code> (see <a href="/docs">/docs</a>) makes any other.
              </p>
            </section>
          ) : (
            <>
              <DataTable
                label="Sweeps"
                columns={COLUMNS}
                rows={sweeps}
                numeric={["left"]}
                testId="sweeps-table"
              />
              <MoreButton query={query} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
