import { MetricId, metricDefinition, type Matrix, type WeightsOrigin } from "@benchfarm/contracts";
import { AxisMenu } from "./axis-menu.js";
import { FilterMenu } from "./filter-menu.js";
import {
  activeFilterCount,
  DEFAULT_STATE,
  FILTERS,
  type FilterName,
  type MatrixState,
} from "./url-state.js";

const LABELS: Record<FilterName, string> = {
  sku: "SKU",
  model: "Model",
  quant: "Quant",
  engine: "Engine",
  backend: "Backend",
  workload: "Workload",
};

const WEIGHTS: { value: WeightsOrigin | ""; label: string }[] = [
  { value: "", label: "all" },
  { value: "released", label: "released" },
  { value: "synthetic", label: "synthetic" },
];

function Filters({
  state,
  facets,
  onChange,
}: {
  state: MatrixState;
  facets: Matrix["facets"] | undefined;
  onChange: (state: MatrixState) => void;
}) {
  return (
    <>
      {FILTERS.map((name) => (
        <FilterMenu
          key={name}
          name={name}
          label={LABELS[name]}
          choices={facets?.[name] ?? []}
          chosen={state.filters[name]}
          onChange={(chosen) =>
            onChange({ ...state, filters: { ...state.filters, [name]: chosen } })
          }
        />
      ))}
      <label className="field">
        Weights
        <select
          value={state.weights ?? ""}
          data-testid="weights"
          onChange={(event) =>
            onChange({
              ...state,
              weights: WEIGHTS.find((w) => w.value === event.target.value)?.value || null,
            })
          }
        >
          {WEIGHTS.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label className="choice">
        <input
          type="checkbox"
          checked={state.simulated}
          data-testid="simulated"
          onChange={(event) => onChange({ ...state, simulated: event.target.checked })}
        />
        <span>Simulated devices too</span>
      </label>
      {activeFilterCount(state) > 0 && (
        <button
          type="button"
          className="link"
          data-testid="clear-filters"
          onClick={() =>
            onChange({
              ...state,
              filters: DEFAULT_STATE.filters,
              weights: null,
              simulated: false,
            })
          }
        >
          Clear filters
        </button>
      )}
    </>
  );
}

/** What is asked: metric, axes, view, filters. On a narrow screen the filters fold away. */
export function MatrixToolbar({
  state,
  facets,
  view,
  narrow,
  onChange,
}: {
  state: MatrixState;
  facets: Matrix["facets"] | undefined;
  /** The view in force. */
  view: "grid" | "canvas";
  narrow: boolean;
  onChange: (state: MatrixState) => void;
}) {
  const count = activeFilterCount(state);
  const filters = <Filters state={state} facets={facets} onChange={onChange} />;
  const views = (
    <div className="segments push" role="radiogroup" aria-label="View">
      {(["grid", "canvas"] as const).map((choice) => (
        <label key={choice}>
          <input
            type="radio"
            name="view"
            checked={view === choice}
            onChange={() => onChange({ ...state, view: choice })}
            data-testid={`view-${choice}`}
          />
          <span>{choice === "grid" ? "Grid" : "Canvas"}</span>
        </label>
      ))}
    </div>
  );
  return (
    <section className="toolbar" aria-label="Question" data-testid="toolbar">
      <div className="toolbar-row">
        <label className="field">
          Metric
          <select
            value={state.metric}
            title={metricDefinition(state.metric).definition}
            data-testid="metric"
            onChange={(event) => onChange({ ...state, metric: MetricId.parse(event.target.value) })}
          >
            {MetricId.options.map((id) => (
              <option key={id} value={id}>
                {metricDefinition(id).label} ({metricDefinition(id).unit})
              </option>
            ))}
          </select>
        </label>
        <AxisMenu state={state} onChange={onChange} />
        {!narrow && views}
      </div>
      {narrow ? (
        <div className="toolbar-row">
          <details className="filters-folded" data-testid="filters">
            <summary>Filters{count > 0 && ` (${count})`}</summary>
            <div className="toolbar-row">{filters}</div>
          </details>
          {views}
        </div>
      ) : (
        <div className="toolbar-row">{filters}</div>
      )}
    </section>
  );
}
