import { Dimension, MetricId, WeightsOrigin } from "@benchfarm/contracts";

export const FILTERS = ["sku", "model", "quant", "engine", "backend", "workload"] as const;
export type FilterName = (typeof FILTERS)[number];

/** `auto`: the HTML grid up to CANVAS_FROM_CELLS cells, the canvas from there. */
export type MatrixView = "auto" | "grid" | "canvas";

/** Everything the matrix page shows, as its address carries it. */
export interface MatrixState {
  metric: MetricId;
  rows: Dimension[];
  columns: Dimension[];
  filters: Record<FilterName, string[]>;
  weights: WeightsOrigin | null;
  simulated: boolean;
  /** Whether rows and columns in which the metric exists nowhere are shown too. */
  inapplicable: boolean;
  view: MatrixView;
}

export const CANVAS_FROM_CELLS = 2000;

const NO_FILTERS: Record<FilterName, string[]> = {
  sku: [],
  model: [],
  quant: [],
  engine: [],
  backend: [],
  workload: [],
};

export const DEFAULT_STATE: MatrixState = {
  metric: "decodeTokensPerSecond",
  rows: ["model", "quant"],
  columns: ["sku", "engine", "backend", "workload"],
  filters: NO_FILTERS,
  weights: null,
  simulated: false,
  inapplicable: false,
  view: "auto",
};

const split = (text: string) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);

/**
 * Reads the address. What is not understood falls back to its default and is named in `ignored`, so that a mistyped link is not a
 * silently different question.
 */
export function readMatrixState(params: URLSearchParams): {
  state: MatrixState;
  ignored: string[];
} {
  const ignored: string[] = [];
  const take = <T>(name: string, fallback: T, read: (text: string) => T | undefined): T => {
    const text = params.get(name);
    if (text === null) return fallback;
    const value = read(text);
    if (value !== undefined) return value;
    ignored.push(`${name}=${text}`);
    return fallback;
  };
  const dimensions = (text: string) => {
    const parsed = Dimension.array().min(1).max(4).safeParse(split(text));
    return parsed.success && new Set(parsed.data).size === parsed.data.length
      ? parsed.data
      : undefined;
  };

  const boolean = (text: string) => (text === "true" ? true : text === "false" ? false : undefined);

  const rows = take("rows", DEFAULT_STATE.rows, dimensions);
  const columns = take("columns", DEFAULT_STATE.columns, dimensions);
  const overlap = rows.some((dimension) => columns.includes(dimension));
  if (overlap) {
    const free = columns.filter((dimension) => !rows.includes(dimension));
    if (params.has("columns") || free.length === 0) {
      ignored.push(`columns=${columns.join(",")} (a dimension is on both axes)`);
    }
  }
  const freeColumns = (overlap ? columns : []).filter((dimension) => !rows.includes(dimension));
  const fallbackColumn = Dimension.options.find((dimension) => !rows.includes(dimension));

  return {
    ignored,
    state: {
      metric: take("metric", DEFAULT_STATE.metric, (text) => MetricId.safeParse(text).data),
      rows,
      columns: !overlap
        ? columns
        : freeColumns.length > 0
          ? freeColumns
          : [fallbackColumn ?? "workload"],
      filters: Object.fromEntries(
        FILTERS.map((name) => [name, split(params.get(name) ?? "")]),
      ) as Record<FilterName, string[]>,
      weights: take("weights", null, (text) => WeightsOrigin.safeParse(text).data),
      simulated: take("simulated", false, boolean),
      inapplicable: take("inapplicable", false, boolean),
      view: take("view", DEFAULT_STATE.view, (text) =>
        text === "grid" || text === "canvas" || text === "auto" ? text : undefined,
      ),
    },
  };
}

/** Writes a state as an address; defaults are left out, so the plain page has the plain address. */
export function writeMatrixState(state: MatrixState): URLSearchParams {
  const params = new URLSearchParams();
  const put = (name: string, text: string, fallback: string) => {
    if (text !== fallback) params.set(name, text);
  };
  put("metric", state.metric, DEFAULT_STATE.metric);
  put("rows", state.rows.join(","), DEFAULT_STATE.rows.join(","));
  put("columns", state.columns.join(","), DEFAULT_STATE.columns.join(","));
  for (const name of FILTERS) put(name, state.filters[name].join(","), "");
  put("weights", state.weights ?? "", "");
  put("simulated", String(state.simulated), "false");
  put("inapplicable", String(state.inapplicable), "false");
  put("view", state.view, "auto");
  return params;
}

/** The query of `GET /v1/matrix` that this state asks. */
export function matrixQuery(state: MatrixState) {
  const filters = Object.fromEntries(
    FILTERS.filter((name) => state.filters[name].length > 0).map((name) => [
      name,
      state.filters[name].join(","),
    ]),
  );
  return {
    metric: state.metric,
    rows: state.rows.join(","),
    columns: state.columns.join(","),
    ...filters,
    ...(state.weights === null ? {} : { weights: state.weights }),
    ...(state.simulated ? { simulated: "true" } : {}),
  };
}

/** How many filters are set, for the collapsed filter bar. */
export function activeFilterCount(state: MatrixState): number {
  return (
    FILTERS.filter((name) => state.filters[name].length > 0).length +
    (state.weights === null ? 0 : 1) +
    (state.simulated ? 1 : 0)
  );
}

/**
 * Puts a dimension on an axis (or, with null, off both). An axis never loses its last dimension nor gets a fifth: such a move returns the
 * state unchanged.
 */
export function placeDimension(
  state: MatrixState,
  dimension: Dimension,
  axis: "rows" | "columns" | null,
): MatrixState {
  const next = {
    rows: state.rows.filter((d) => d !== dimension),
    columns: state.columns.filter((d) => d !== dimension),
  };
  if (axis !== null) {
    if (state[axis].includes(dimension)) return state;
    next[axis] = [...next[axis], dimension];
  }
  const fits = [next.rows, next.columns].every((list) => list.length >= 1 && list.length <= 4);
  return fits ? { ...state, ...next } : state;
}

/** Moves a dimension one place earlier (outwards) on the axis it is on. */
export function moveDimensionEarlier(state: MatrixState, dimension: Dimension): MatrixState {
  const earlier = (list: Dimension[]) => {
    const at = list.indexOf(dimension);
    if (at < 1) return list;
    const copy = [...list];
    copy.splice(at, 1);
    copy.splice(at - 1, 0, dimension);
    return copy;
  };
  return { ...state, rows: earlier(state.rows), columns: earlier(state.columns) };
}
