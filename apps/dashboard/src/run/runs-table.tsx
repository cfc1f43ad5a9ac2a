import type { Run } from "@benchfarm/contracts";
import { Link } from "react-router";
import { StateBadge } from "../design/badge.js";
import { DataTable, type TableColumn } from "../design/data-table.js";
import { elapsedMs, formatDuration } from "../format/format-time.js";

const COLUMNS: TableColumn<Run>[] = [
  {
    id: "what",
    header: "Run",
    accessorFn: (run) => `${run.modelName} ${run.quantName} ${run.workloadName}`,
    cell: ({ row, getValue }) => <Link to={`/runs/${row.original.id}`}>{String(getValue())}</Link>,
  },
  {
    id: "engine",
    header: "Engine",
    accessorFn: (run) => `${run.engine} ${run.backend}`,
  },
  {
    id: "device",
    header: "Device",
    accessorFn: (run) => run.deviceName ?? "",
    cell: ({ row }) =>
      row.original.deviceId === null ? (
        (row.original.deviceName ?? "any of its kind")
      ) : (
        <Link to={`/devices/${row.original.deviceId}`}>
          {row.original.deviceName ?? row.original.deviceId}
        </Link>
      ),
  },
  {
    id: "state",
    header: "State",
    accessorFn: (run) => run.outcome ?? run.phase ?? run.state,
    cell: ({ getValue }) => <StateBadge word={String(getValue())} />,
  },
  {
    id: "reason",
    header: "Reason",
    accessorFn: (run) => run.reason ?? run.blockedReason ?? "",
    cell: ({ getValue }) => <span className="reason">{String(getValue())}</span>,
  },
  {
    id: "attempts",
    header: "Attempts",
    accessorFn: (run) => run.dispatchCount,
  },
  {
    id: "took",
    header: "Took",
    accessorFn: (run) => elapsedMs(run.startedAt, run.endedAt) ?? -1,
    cell: ({ row }) => formatDuration(elapsedMs(row.original.startedAt, row.original.endedAt)),
  },
];

/** Runs with their states and reasons. */
export function RunsTable({ runs }: { runs: Run[] }) {
  return (
    <DataTable
      label="Runs"
      columns={COLUMNS}
      rows={runs}
      numeric={["attempts", "took"]}
      testId="runs-table"
    />
  );
}
