import { routes, type Matrix, type MatrixCell } from "@benchfarm/contracts";
import { lazy, Suspense, useMemo } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useNowMs } from "../clock.js";
import { usePageTitle } from "../design/page-title.js";
import { useTheme } from "../design/theme.js";
import { NARROW, useMedia } from "../design/use-media.js";
import { useFarmQuery } from "../farm/farm-query.js";
import { Loaded, Skeleton } from "../farm/loaded.js";
import { formatCount } from "../format/format-number.js";
import { formatAgo } from "../format/format-time.js";
import { onlyApplicable } from "./applicable.js";
import { ComparisonPanel } from "./comparison-panel.js";
import { dimensionToAdd } from "./describe-cell.js";
import { ExportLinks } from "./export-links.js";
import { Legend } from "./legend.js";
import { MatrixGrid } from "./matrix-grid.js";
import { MatrixToolbar } from "./matrix-toolbar.js";
import { NoCells } from "./no-cells.js";
import { matrixScale } from "./scale-groups.js";
import {
  CANVAS_FROM_CELLS,
  matrixQuery,
  placeDimension,
  readMatrixState,
  writeMatrixState,
  type MatrixState,
} from "./url-state.js";

const MatrixCanvas = lazy(async () => ({
  default: (await import("./matrix-canvas.js")).MatrixCanvas,
}));

const WHILE_PENDING_MS = 3000;
const OTHERWISE_MS = 20_000;

const hasPending = (matrix: Matrix) =>
  matrix.cells.some((row) => row.some((cell) => cell.status === "pending"));

/** The first page: the hardware x model x quantisation matrix of one metric. Its whole state is its address. */
export function MatrixPage() {
  usePageTitle("Matrix");
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const { state, ignored } = useMemo(() => readMatrixState(params), [params]);
  const narrow = useMedia(NARROW);
  const change = (next: MatrixState) =>
    void navigate({ search: writeMatrixState(next).toString().replaceAll("%2C", ",") });
  const query = useFarmQuery(routes.readMatrix, { query: matrixQuery(state) }, (matrix) =>
    matrix !== undefined && hasPending(matrix) ? WHILE_PENDING_MS : OTHERWISE_MS,
  );
  const cellCount = useMemo(() => {
    if (query.data === undefined) return 0;
    const { rows, columns } = state.inapplicable ? query.data : onlyApplicable(query.data).matrix;
    return rows.length * columns.length;
  }, [query.data, state.inapplicable]);
  const view =
    state.view === "auto" ? (cellCount > CANVAS_FROM_CELLS ? "canvas" : "grid") : state.view;

  return (
    <div className="page matrix-page">
      <h1 className="visually-hidden">Matrix</h1>
      <MatrixToolbar
        state={state}
        facets={query.data?.facets}
        view={view}
        narrow={narrow}
        onChange={change}
      />
      {ignored.length > 0 && (
        <p className="notice warning" role="status" data-testid="ignored">
          Not understood in the address, and left out: {ignored.join("; ")}.
        </p>
      )}
      <Loaded query={query} lines={10}>
        {(matrix) => (
          <div
            aria-busy={query.isPlaceholderData}
            className={query.isPlaceholderData ? "waiting" : ""}
          >
            <MatrixContent
              matrix={matrix}
              state={state}
              view={view}
              narrow={narrow}
              onChange={change}
            />
          </div>
        )}
      </Loaded>
    </div>
  );
}

function MatrixContent({
  matrix: asked,
  state,
  view,
  narrow,
  onChange,
}: {
  matrix: Matrix;
  state: MatrixState;
  view: "grid" | "canvas";
  narrow: boolean;
  onChange: (state: MatrixState) => void;
}) {
  const theme = useTheme();
  const navigate = useNavigate();
  const nowMs = useNowMs();
  const cut = useMemo(() => onlyApplicable(asked), [asked]);
  const matrix = state.inapplicable ? asked : cut.matrix;
  const hidden = cut.hiddenRows + cut.hiddenColumns;
  const scale = useMemo(() => matrixScale(matrix), [matrix]);
  if (matrix.rows.length === 0 || matrix.columns.length === 0) {
    return <NoCells state={state} onChange={onChange} />;
  }
  const onOpen = (cell: MatrixCell) => {
    if (cell.cellKey !== null) return void navigate(`/cells/${cell.cellKey}`);
    const add =
      cell.status === "several"
        ? dimensionToAdd(cell.detail, [...state.rows, ...state.columns])
        : null;
    if (add === null) return;
    const onColumns = placeDimension(state, add, "columns");
    onChange(onColumns === state ? placeDimension(state, add, "rows") : onColumns);
  };
  const shared = { matrix, scale, theme, narrow, onOpen };
  return (
    <div className={`matrix-layout ${view}`}>
      <section aria-label="Matrix" className="matrix-main">
        {view === "grid" ? (
          <MatrixGrid {...shared} />
        ) : (
          <Suspense fallback={<Skeleton lines={10} />}>
            <MatrixCanvas {...shared} />
          </Suspense>
        )}
        <div className="matrix-foot">
          <p className="quiet" data-testid="updated">
            {matrix.rows.length} × {matrix.columns.length},{" "}
            {matrix.updatedAt === null
              ? "nothing folded yet"
              : `last number ${formatAgo(matrix.updatedAt, nowMs)}`}
          </p>
          {hidden > 0 && (
            <p className="quiet" data-testid="inapplicable">
              {matrix.metric.label} does not exist for{" "}
              {cut.workloads.length === 0 ? "some workloads" : cut.workloads.join(", ")}:{" "}
              {[
                ...(cut.hiddenColumns > 0 ? [formatCount(cut.hiddenColumns, "column")] : []),
                ...(cut.hiddenRows > 0 ? [formatCount(cut.hiddenRows, "row")] : []),
              ].join(" and ")}{" "}
              {state.inapplicable ? "without numbers." : "left out."}
              <button
                type="button"
                className="link"
                onClick={() => onChange({ ...state, inapplicable: !state.inapplicable })}
              >
                {state.inapplicable ? "Leave out" : "Show"}
              </button>
            </p>
          )}
          <ExportLinks query={matrixQuery(state)} />
        </div>
      </section>
      <aside className="matrix-side" aria-label="Legend and comparison">
        <Legend matrix={matrix} scale={scale} theme={theme} />
        <ComparisonPanel comparison={matrix.comparison} />
      </aside>
    </div>
  );
}
