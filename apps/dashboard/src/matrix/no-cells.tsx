import { CopyButton } from "../design/copy-button.js";
import { activeFilterCount, DEFAULT_STATE, type MatrixState } from "./url-state.js";

const COMMANDS = [
  { what: "Measure this machine, with models made on the spot", command: "npm run demo" },
  {
    what: "Register a model file of your own",
    command: "npm run benchfarm -- model add <file or url>",
  },
];

/** Why the matrix is empty, and what fills it. */
export function NoCells({
  state,
  onChange,
}: {
  state: MatrixState;
  onChange: (state: MatrixState) => void;
}) {
  if (activeFilterCount(state) > 0) {
    return (
      <section className="panel" data-testid="no-match">
        <h2>No cell matches these filters</h2>
        <p>There may be cells outside them.</p>
        <button
          type="button"
          onClick={() =>
            onChange({ ...state, filters: DEFAULT_STATE.filters, weights: null, simulated: false })
          }
        >
          Clear filters
        </button>
      </section>
    );
  }
  return (
    <section className="panel" data-testid="no-cells">
      <h2>No cells yet</h2>
      <p>
        A cell appears when a device has measured something. A <b>sweep</b> asks for it: it crosses
        devices with quants, engines and workloads, and every combination becomes a run.
      </p>
      <ul className="commands">
        {COMMANDS.map(({ what, command }) => (
          <li key={command}>
            <span>{what}</span>
            <code>{command}</code>
            <CopyButton text={command} what={command} />
          </li>
        ))}
      </ul>
      <p className="quiet">
        Over REST: <code>POST /v1/sweeps</code>, described at <a href="/docs">/docs</a>. Simulated
        devices are left out unless asked for:{" "}
        <button
          type="button"
          className="link"
          onClick={() => onChange({ ...state, simulated: true })}
        >
          show them
        </button>
        .
      </p>
    </section>
  );
}
