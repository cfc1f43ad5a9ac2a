import { routes, type Device } from "@benchfarm/contracts";
import { Link } from "react-router";
import { useNowMs } from "../clock.js";
import { CopyButton } from "../design/copy-button.js";
import { DataTable, type TableColumn } from "../design/data-table.js";
import { MoreButton } from "../design/more-button.js";
import { usePageTitle } from "../design/page-title.js";
import { useFarmList } from "../farm/farm-query.js";
import { Loaded } from "../farm/loaded.js";
import { formatBandwidth, formatBytes } from "../format/format-number.js";
import { formatAgo } from "../format/format-time.js";
import { coreWords, deviceSentence } from "./device-facts.js";
import { DeviceStates } from "./device-states.js";

function Seen({ at }: { at: string | null }) {
  return <>{formatAgo(at, useNowMs())}</>;
}

const COLUMNS: TableColumn<Device>[] = [
  {
    id: "name",
    header: "Device",
    accessorFn: (device) => device.name,
    cell: ({ row }) => <Link to={`/devices/${row.original.id}`}>{row.original.name}</Link>,
  },
  { id: "sku", header: "SKU", accessorFn: (device) => device.skuName },
  {
    id: "state",
    header: "State",
    accessorFn: (device) => device.availability,
    cell: ({ row }) => <DeviceStates device={row.original} />,
  },
  {
    id: "reason",
    header: "Takes work?",
    accessorFn: (device) => deviceSentence(device),
    cell: ({ row, getValue }) =>
      row.original.currentRunId === null ? (
        <span className="reason">{String(getValue())}</span>
      ) : (
        <Link to={`/runs/${row.original.currentRunId}`}>Works on a run now</Link>
      ),
  },
  {
    id: "cores",
    header: "CPU",
    accessorFn: (device) => device.facts.logicalCores ?? -1,
    cell: ({ row }) => coreWords(row.original) ?? "–",
  },
  {
    id: "memory",
    header: "Memory",
    accessorFn: (device) => device.facts.memoryBytes ?? -1,
    cell: ({ row }) => formatBytes(row.original.facts.memoryBytes),
  },
  {
    id: "bandwidth",
    header: "Bandwidth",
    accessorFn: (device) => device.facts.memoryBandwidthBytesPerSecond ?? -1,
    cell: ({ row }) => formatBandwidth(row.original.facts.memoryBandwidthBytesPerSecond),
  },
  {
    id: "seen",
    header: "Seen",
    accessorFn: (device) => device.lastSeenAt ?? "",
    cell: ({ row }) => <Seen at={row.original.lastSeenAt} />,
  },
];

/** All devices with state and the reason for it. */
export function DevicesPage() {
  usePageTitle("Devices");
  const query = useFarmList<Device>(routes.listDevices, { query: { limit: 200 } }, 5000);
  return (
    <div className="page" data-testid="devices-page">
      <h1>Devices</h1>
      <Loaded query={query}>
        {(devices) =>
          devices.length === 0 ? (
            <section className="panel" data-testid="no-devices">
              <h2>No device yet</h2>
              <p>
                An agent brings its machine in with a one-time code (
                <code>POST /v1/enrolments</code>
                ):
              </p>
              <p>
                <code>benchfarm agent --url {window.location.origin} --code …</code>{" "}
                <CopyButton
                  text={`benchfarm agent --url ${window.location.origin} --code `}
                  what="the command"
                />
              </p>
              <p className="quiet">
                <code>npm run demo</code> brings this machine in by itself.
              </p>
            </section>
          ) : (
            <>
              <DataTable
                label="Devices"
                columns={COLUMNS}
                rows={devices}
                numeric={["memory", "bandwidth", "seen"]}
                testId="devices-table"
              />
              <MoreButton query={query} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
