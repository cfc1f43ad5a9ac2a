import type { Dimension, Matrix, MatrixCell } from "@benchfarm/contracts";
import {
  memo,
  useId,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type SyntheticEvent,
} from "react";
import { Link } from "react-router";
import { CellTooltip } from "./cell-tooltip.js";
import { rampColors, type RampTheme } from "./color-ramp.js";
import { cellWords } from "./describe-cell.js";
import { moveInGrid, type GridPlace } from "./grid-navigation.js";
import { headLayout, headTitles, type HeadLayout } from "./head-layout.js";
import type { MatrixScale } from "./scale-groups.js";
import { useCellTooltip } from "./use-cell-tooltip.js";

/** Up to this many columns every cell repeats the unit; beyond, the caption says it once. */
const UNIT_COLUMNS = 12;
/** More cells than this are shown in pages of whole rows. */
const CELLS_PER_PAGE = 5000;

export interface MatrixGridProps {
  matrix: Matrix;
  scale: MatrixScale;
  theme: RampTheme;
  narrow: boolean;
  onOpen: (cell: MatrixCell) => void;
}

interface RowContext {
  matrix: Matrix;
  scale: MatrixScale;
  theme: RampTheme;
  used: readonly Dimension[];
  rowLayout: HeadLayout;
  stacked: boolean;
  withUnit: boolean;
}

/** Lets a long code break after its underscores. */
function Breakable({ text }: { text: string }) {
  return text.split("_").map((part, i, all) => (
    <span key={i}>
      {part}
      {i < all.length - 1 && (
        <>
          _<wbr />
        </>
      )}
    </span>
  ));
}

function Marks({ cell }: { cell: MatrixCell }) {
  const shown = cell.status === "measured" || cell.status === "held" || cell.status === "failed";
  if (!shown) return null;
  return (
    <>
      {cell.weights === "synthetic" && <span className="mark">syn</span>}
      {cell.simulated && <span className="mark">sim</span>}
    </>
  );
}

const MatrixRow = memo(function MatrixRow({
  r,
  focusedColumn,
  tooltipId,
  first,
  context,
}: {
  r: number;
  focusedColumn: number | null;
  tooltipId: string | undefined;
  /** First row of its page: row heads that began before it start anew. */
  first: boolean;
  context: RowContext;
}) {
  const { matrix, scale, theme, used, rowLayout, stacked, withUnit } = context;
  const cells = matrix.cells[r] ?? [];
  return (
    <tr aria-rowindex={r + 1}>
      {stacked ? (
        <th scope="row" className="row-head" style={{ left: 0 }}>
          {rowLayout.levels.map((level, i) => {
            const span = level.find((s) => r >= s.start && r < s.start + s.span);
            const last = i === rowLayout.levels.length - 1;
            return (
              <span key={i} className={last ? "head-last" : "head-outer"}>
                {span?.label}
              </span>
            );
          })}
        </th>
      ) : (
        rowLayout.levels.map((level, i) => {
          const span = level.find((s) => r >= s.start && r < s.start + s.span);
          if (span === undefined || (span.start !== r && !first)) return null;
          return (
            <th
              key={i}
              scope={span.span > 1 ? "rowgroup" : "row"}
              rowSpan={span.start + span.span - r}
              className={`row-head level-${i}`}
              style={rowHeadStyle(rowLayout, i)}
            >
              {span.label}
            </th>
          );
        })
      )}
      {cells.map((cell, c) => {
        const words = cellWords(cell, matrix.metric, used);
        const measured = cell.status === "measured" && cell.value !== null;
        const colors = measured ? rampColors(theme, scale.position(r, c, cell.value ?? 0)) : null;
        const body = (
          <>
            {measured ? (
              <span className="value">
                {words.text}
                {withUnit && <span className="unit"> {matrix.metric.unit}</span>}
              </span>
            ) : (
              <span className="word">
                <Breakable text={words.text} />
              </span>
            )}
            <Marks cell={cell} />
          </>
        );
        return (
          <td
            key={matrix.columns[c]?.key ?? c}
            role="gridcell"
            tabIndex={focusedColumn === c ? 0 : -1}
            aria-label={words.sentence}
            aria-describedby={
              tooltipId !== undefined && focusedColumn === c ? tooltipId : undefined
            }
            className={`cell ${cell.status}`}
            style={
              colors === null
                ? undefined
                : { backgroundColor: colors.background, color: colors.text }
            }
            data-testid="matrix-cell"
            data-r={r}
            data-c={c}
            data-status={cell.status}
            data-row={matrix.rows[r]?.label}
            data-column={matrix.columns[c]?.label}
            data-value={cell.value ?? undefined}
            data-key={cell.cellKey ?? undefined}
          >
            {cell.cellKey === null ? (
              <span className="cell-body">{body}</span>
            ) : (
              <Link to={`/cells/${cell.cellKey}`} tabIndex={-1} className="cell-body">
                {body}
              </Link>
            )}
          </td>
        );
      })}
    </tr>
  );
});

const OUTER_WIDTH = 148;
const INNER_WIDTH = 92;

function rowHeadStyle(layout: HeadLayout, level: number): CSSProperties {
  const single = layout.levels.length === 1;
  const width = single || level === 0 ? OUTER_WIDTH : INNER_WIDTH;
  const left = level === 0 ? 0 : OUTER_WIDTH + (level - 1) * INNER_WIDTH;
  return { left, width, minWidth: width, maxWidth: width };
}

/**
 * The matrix as an HTML table that is itself the heat map: a WAI-ARIA grid with one tab stop, arrow keys inside it and Enter to open a
 * cell. Row and column heads stay in sight while the box scrolls.
 */
export function MatrixGrid({ matrix, scale, theme, narrow, onOpen }: MatrixGridProps) {
  const rows = matrix.rows.length;
  const columns = matrix.columns.length;
  const perPage = Math.max(1, Math.floor(CELLS_PER_PAGE / Math.max(1, columns)));
  const [wantedPlace, setPlace] = useState<GridPlace>({ row: 0, column: 0 });
  const place = {
    row: Math.min(wantedPlace.row, rows - 1),
    column: Math.min(wantedPlace.column, columns - 1),
  };
  const page = Math.floor(place.row / perPage);
  const table = useRef<HTMLTableElement>(null);
  const tooltipId = useId();
  const { anchor, show, hide, hideSoon, keep } = useCellTooltip();

  const used = [...matrix.rowDimensions, ...matrix.columnDimensions];
  const rowLayout = headLayout(matrix.rows, matrix.rowDimensions);
  const columnLayout = headLayout(matrix.columns, matrix.columnDimensions);
  const rowTitles = headTitles(rowLayout, rows);
  const columnTitles = headTitles(columnLayout, columns);
  const withUnit = columns <= UNIT_COLUMNS;
  const context: RowContext = { matrix, scale, theme, used, rowLayout, stacked: narrow, withUnit };

  const cellOf = (target: EventTarget): { td: HTMLElement; r: number; c: number } | null => {
    const td = target instanceof Element ? target.closest<HTMLElement>("td[data-r]") : null;
    return td === null ? null : { td, r: Number(td.dataset["r"]), c: Number(td.dataset["c"]) };
  };
  const point = (event: SyntheticEvent) => {
    const at = cellOf(event.target);
    const cell = at === null ? undefined : matrix.cells[at.r]?.[at.c];
    if (at === null || cell === undefined) return hideSoon();
    const box = at.td.getBoundingClientRect();
    show({ box, cell, row: rowTitles[at.r] ?? "", column: columnTitles[at.c] ?? "" });
  };
  const focusAt = (next: GridPlace) => {
    setPlace(next);
    // After React has drawn the page that the row is on.
    requestAnimationFrame(() =>
      table.current
        ?.querySelector<HTMLElement>(`td[data-r="${next.row}"][data-c="${next.column}"]`)
        ?.focus(),
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = cellOf(event.target);
    if (at === null) return;
    if (event.key === "Enter" || event.key === " ") {
      const cell = matrix.cells[at.r]?.[at.c];
      if (cell !== undefined) onOpen(cell);
      event.preventDefault();
      return;
    }
    const next = moveInGrid({ row: at.r, column: at.c }, event, rows, columns);
    if (next === null) return;
    event.preventDefault();
    focusAt(next);
  };
  const onClick = (event: SyntheticEvent) => {
    const at = cellOf(event.target);
    const cell = at === null ? undefined : matrix.cells[at.r]?.[at.c];
    if (at === null || cell === undefined) return;
    setPlace({ row: at.r, column: at.c });
    if (cell.status === "several" && cell.cellKey === null) onOpen(cell);
  };

  const constants = [
    ...(rowLayout.constant.length > 0
      ? [`Every row: ${rowLayout.constant.map((c) => `${c.dimension} ${c.label}`).join(", ")}.`]
      : []),
    ...(columnLayout.constant.length > 0
      ? [
          `Every column: ${columnLayout.constant.map((c) => `${c.dimension} ${c.label}`).join(", ")}.`,
        ]
      : []),
  ].join(" ");
  const visible = Array.from(
    { length: Math.min(perPage, rows - page * perPage) },
    (_, i) => page * perPage + i,
  );
  const headColumns = narrow ? 1 : rowLayout.levels.length;

  return (
    <div className="grid-view">
      <p className="grid-caption" id={`${tooltipId}-caption`}>
        <strong>
          {matrix.metric.label}, {matrix.metric.unit}
        </strong>
        , {matrix.metric.better} is better. {constants}
      </p>
      <div className="matrix-box">
        <table
          ref={table}
          role="grid"
          className={withUnit ? "matrix roomy" : "matrix"}
          aria-labelledby={`${tooltipId}-caption`}
          aria-rowcount={rows}
          aria-colcount={columns}
          data-testid="matrix-grid"
          onKeyDown={onKeyDown}
          onClick={onClick}
          onPointerOver={point}
          onPointerLeave={hideSoon}
          onFocus={point}
          onBlur={hide}
        >
          <thead>
            {columnLayout.levels.map((level, i) => (
              <tr key={i}>
                {i === 0 && (
                  <td
                    className="corner"
                    rowSpan={columnLayout.levels.length}
                    colSpan={headColumns}
                    style={{ left: 0 }}
                  >
                    {rowLayout.levels.map((l) => l[0]?.dimension).join(" · ")}
                  </td>
                )}
                {level.map((head) => (
                  <th
                    key={head.start}
                    scope={head.span > 1 ? "colgroup" : "col"}
                    colSpan={head.span}
                    title={`${head.dimension}: ${head.label}`}
                    className={i === columnLayout.levels.length - 1 ? "head-last" : "head-outer"}
                  >
                    <span>{head.label}</span>
                  </th>
                ))}
              </tr>
            ))}
          </thead>
          <tbody>
            {visible.map((r, i) => (
              <MatrixRow
                key={matrix.rows[r]?.key ?? r}
                r={r}
                first={i === 0}
                focusedColumn={place.row === r ? place.column : null}
                tooltipId={anchor === null ? undefined : tooltipId}
                context={context}
              />
            ))}
          </tbody>
        </table>
      </div>
      {rows > perPage && (
        <p className="pager">
          Rows {page * perPage + 1} to {page * perPage + visible.length} of {rows}{" "}
          <button
            type="button"
            disabled={page === 0}
            onClick={() => setPlace({ row: (page - 1) * perPage, column: place.column })}
          >
            Earlier rows
          </button>{" "}
          <button
            type="button"
            disabled={(page + 1) * perPage >= rows}
            onClick={() => setPlace({ row: (page + 1) * perPage, column: place.column })}
          >
            Later rows
          </button>
        </p>
      )}
      {anchor !== null && (
        <CellTooltip
          anchor={anchor}
          metric={matrix.metric}
          id={tooltipId}
          onEnter={keep}
          onLeave={hideSoon}
        />
      )}
    </div>
  );
}
