import type { Matrix, MatrixCell } from "@benchfarm/contracts";
import {
  useId,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type SyntheticEvent,
} from "react";
import { CellTooltip } from "./cell-tooltip.js";
import type { RampTheme } from "./color-ramp.js";
import { moveInGrid, type GridPlace } from "./grid-navigation.js";
import { headLayout, headTitles } from "./head-layout.js";
import type { MatrixScale } from "./scale-groups.js";
import { MatrixRow, type RowContext } from "./matrix-row.js";
import { rowHeadsWidth } from "./row-head-width.js";
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
          style={{ "--heads": `${rowHeadsWidth(rowLayout, narrow)}px` } as CSSProperties}
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
