import { routes, type Device, type HistoryEvent, type Run } from "@benchfarm/contracts";
import { Link, useParams } from "react-router";
import { useNowMs } from "../clock.js";
import { Facts, ShortId } from "../design/facts.js";
import { MoreButton } from "../design/more-button.js";
import { usePageTitle } from "../design/page-title.js";
import { useFarmList, useFarmQuery } from "../farm/farm-query.js";
import { Loaded } from "../farm/loaded.js";
import { formatAgo, formatInstant } from "../format/format-time.js";
import { EventList } from "../run/event-list.js";
import { RunsTable } from "../run/runs-table.js";
import { deviceFactRows, deviceSentence } from "./device-facts.js";
import { DeviceStates } from "./device-states.js";

/** One device: state and reason, what is known of the machine, its engines, its runs and its history. */
export function DevicePage() {
  const { id = "" } = useParams();
  const query = useFarmQuery(routes.readDevice, { params: { id } }, 5000);
  const runs = useFarmList<Run>(routes.listRuns, { query: { device: id, limit: 50 } }, 10_000);
  const events = useFarmList<HistoryEvent>(
    routes.listDeviceEvents,
    { params: { id }, query: { limit: 50 } },
    10_000,
  );
  usePageTitle(query.data?.name ?? "Device");
  return (
    <div className="page" data-testid="device-page">
      <p className="crumbs">
        <Link to="/devices">Devices</Link> / <ShortId id={id} length={16} />
      </p>
      <Loaded query={query}>{(device) => <DeviceContent device={device} />}</Loaded>
      <section className="panel" aria-label="Runs">
        <h2>Runs</h2>
        <Loaded query={runs}>
          {(items) =>
            items.length === 0 ? (
              <p className="quiet">No run has been asked of this device.</p>
            ) : (
              <>
                <RunsTable runs={items} />
                <MoreButton query={runs} />
              </>
            )
          }
        </Loaded>
      </section>
      <section className="panel" aria-label="History">
        <h2>History</h2>
        <Loaded query={events}>
          {(items) => (
            <>
              <EventList events={items} />
              <MoreButton query={events} />
            </>
          )}
        </Loaded>
      </section>
    </div>
  );
}

function DeviceContent({ device }: { device: Device }) {
  const nowMs = useNowMs();
  return (
    <>
      <header className="page-head">
        <h1>
          {device.name} <DeviceStates device={device} />
        </h1>
        <p data-testid="device-sentence">
          {deviceSentence(device)}{" "}
          {device.currentRunId !== null && (
            <Link to={`/runs/${device.currentRunId}`}>See the run</Link>
          )}
          {device.quarantineReason !== null && <> Quarantine: {device.quarantineReason}</>}
        </p>
      </header>
      <div className="two-columns">
        <section className="panel" aria-label="Machine">
          <h2>Machine</h2>
          <Facts facts={deviceFactRows(device)} />
        </section>
        <div>
          <section className="panel" aria-label="State">
            <h2>State</h2>
            <Facts
              facts={[
                ["lifecycle", device.lifecycle],
                ["quarantine", device.quarantine],
                ["health", device.health],
                ["availability", device.availability],
                ["seen", formatAgo(device.lastSeenAt, nowMs)],
                ["sku", device.skuName],
                ["cooling", device.cooling.replaceAll("_", " ")],
                ["tags", device.tags.length === 0 ? "none" : device.tags.join(", ")],
                ["in the farm since", formatInstant(device.createdAt)],
              ]}
            />
          </section>
          <section className="panel" aria-label="Engines">
            <h2>Engines</h2>
            {device.engines.length === 0 ? (
              <p className="quiet">Its agent found no engine it can run.</p>
            ) : (
              <ul className="plain">
                {device.engines.map((engine) => (
                  <li key={`${engine.name} ${engine.version} ${engine.build}`}>
                    <b>
                      {engine.name} {engine.version}
                    </b>
                    : {engine.backends.join(", ")}{" "}
                    <span className="quiet">
                      ({engine.program}, build <ShortId id={engine.build} />)
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </section>
        </div>
      </div>
    </>
  );
}
