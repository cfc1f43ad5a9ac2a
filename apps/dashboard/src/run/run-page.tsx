import { routes, type Attempt, type RunDetail } from "@benchfarm/contracts";
import { Link, useParams } from "react-router";
import { StateBadge } from "../design/badge.js";
import { DataTable, type TableColumn } from "../design/data-table.js";
import { Facts, ShortId } from "../design/facts.js";
import { usePageTitle } from "../design/page-title.js";
import { useFarmQuery } from "../farm/farm-query.js";
import { Loaded } from "../farm/loaded.js";
import { elapsedMs, formatDuration, formatInstant } from "../format/format-time.js";
import { Repetitions } from "../result/repetitions.js";
import { ResultEvidence } from "../result/result-evidence.js";
import { EventList } from "./event-list.js";

const ATTEMPTS: TableColumn<Attempt>[] = [
  { id: "number", header: "#", accessorFn: (attempt) => attempt.number },
  {
    id: "device",
    header: "Device",
    accessorFn: (attempt) => attempt.deviceName,
    cell: ({ row }) => (
      <Link to={`/devices/${row.original.deviceId}`}>{row.original.deviceName}</Link>
    ),
  },
  {
    id: "phase",
    header: "Phase",
    accessorFn: (attempt) => attempt.endReason ?? attempt.phase,
    cell: ({ getValue }) => <StateBadge word={String(getValue())} />,
  },
  {
    id: "detail",
    header: "Detail",
    accessorFn: (attempt) => attempt.failure?.message ?? attempt.detail ?? "",
    cell: ({ row, getValue }) => (
      <span className="reason">
        {row.original.failure !== null && <code>{row.original.failure.code}</code>}{" "}
        {String(getValue())}
      </span>
    ),
  },
  {
    id: "offered",
    header: "Offered",
    accessorFn: (attempt) => attempt.offeredAt,
    cell: ({ getValue }) => formatInstant(String(getValue())),
  },
  {
    id: "took",
    header: "Took",
    accessorFn: (attempt) => elapsedMs(attempt.acceptedAt, attempt.endedAt) ?? -1,
    cell: ({ row }) => formatDuration(elapsedMs(row.original.acceptedAt, row.original.endedAt)),
  },
];

/** One run: where it is and why, its attempts, its history and, once there, its result. */
export function RunPage() {
  const { id = "" } = useParams();
  const query = useFarmQuery(routes.readRun, { params: { id } }, (run) =>
    run === undefined || run.state !== "done" ? 2000 : false,
  );
  usePageTitle(query.data === undefined ? "Run" : `Run ${query.data.modelName}`);
  return (
    <div className="page" data-testid="run-page">
      <p className="crumbs">
        {query.data?.sweepId != null ? (
          <Link to={`/sweeps/${query.data.sweepId}`}>Its sweep</Link>
        ) : (
          <Link to="/sweeps">Sweeps</Link>
        )}{" "}
        / run <ShortId id={id} length={16} />
      </p>
      <Loaded query={query}>{(run) => <RunContent run={run} />}</Loaded>
    </div>
  );
}

function Why({ id }: { id: string }) {
  const query = useFarmQuery(routes.readRunWhy, { params: { id } }, 3000);
  return (
    <section className="panel" aria-label="Why it is where it is" data-testid="run-why">
      <h2>Why it is where it is</h2>
      <Loaded query={query} lines={2}>
        {(why) => (
          <>
            <p>{why.sentence}</p>
            {why.candidates.length > 0 && (
              <ul className="plain">
                {why.candidates.map((candidate) => (
                  <li key={candidate.deviceId}>
                    <Link to={`/devices/${candidate.deviceId}`}>{candidate.name}</Link>:{" "}
                    {candidate.reason ?? "could take it now"}
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

function RunContent({ run }: { run: RunDetail }) {
  const { result } = run;
  const took = elapsedMs(run.startedAt, run.endedAt);
  return (
    <>
      <header className="page-head">
        <h1>
          {run.modelName} <span className="head-quant">{run.quantName}</span>{" "}
          <span className="head-workload">{run.workloadName}</span>
        </h1>
        <p>
          <StateBadge word={run.outcome ?? run.phase ?? run.state} />{" "}
          <span data-testid="run-reason">{run.reason ?? run.blockedReason}</span>
        </p>
      </header>
      {result?.failure != null && (
        <section className="panel problem" data-testid="run-failure">
          <h2>
            Failed: <code>{result.failure.code}</code>
          </h2>
          <p>{result.failure.message}</p>
        </section>
      )}
      {run.state !== "done" && <Why id={run.id} />}
      <section className="panel" aria-label="Facts">
        <Facts
          facts={[
            ["engine", `${run.engine}${run.engineVersion === null ? "" : ` ${run.engineVersion}`}`],
            ["backend", run.backend],
            [
              "device",
              run.deviceId === null ? (
                (run.deviceName ?? "any of its kind")
              ) : (
                <Link key="device" to={`/devices/${run.deviceId}`}>
                  {run.deviceName ?? run.deviceId}
                </Link>
              ),
            ],
            ["band", run.band],
            [
              "attempts",
              `${run.dispatchCount} made, ${run.chargedCount} of ${run.maxAttempts} counted against it`,
            ],
            ["created", formatInstant(run.createdAt)],
            ["started", run.startedAt === null ? "not yet" : formatInstant(run.startedAt)],
            [
              "ended",
              run.endedAt === null
                ? "not yet"
                : `${formatInstant(run.endedAt)}${took === null ? "" : `, after ${formatDuration(took)}`}`,
            ],
            ...(result?.cellKey == null
              ? []
              : ([
                  [
                    "cell",
                    <Link key="cell" to={`/cells/${result.cellKey}`}>
                      <ShortId id={result.cellKey} />
                    </Link>,
                  ],
                ] as [string, React.ReactNode][])),
          ]}
        />
      </section>
      <section className="panel" aria-label="Attempts">
        <h2>Attempts</h2>
        {run.attempts.length === 0 ? (
          <p className="quiet">None yet: no device has been offered this run.</p>
        ) : (
          <DataTable
            label="Attempts"
            columns={ATTEMPTS}
            rows={run.attempts}
            numeric={["number", "took"]}
            testId="attempts-table"
          />
        )}
      </section>
      {result !== null && (
        <section className="panel" aria-label="Result">
          <h2>Result</h2>
          {result.samples.length > 0 && (
            <Repetitions
              result={result}
              metric={result.metrics[0]?.metric ?? "decodeTokensPerSecond"}
            />
          )}
          <ResultEvidence result={result} />
        </section>
      )}
      <section className="panel" aria-label="History">
        <h2>History</h2>
        <EventList events={run.events} />
      </section>
    </>
  );
}
