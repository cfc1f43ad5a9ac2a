import { HeatmapChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, VisualMapComponent } from "echarts/components";
import { init, use as register, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import type { Box } from "./cell-tooltip-place.js";
import { canvasOption } from "./canvas-option.js";
import { canvasFrame, canvasPoints, type CanvasPoint } from "./canvas-points.js";
import { cellBox, reveal, zoomsOf } from "./canvas-zoom.js";
import { CellTooltip } from "./cell-tooltip.js";
import { cellWords } from "./describe-cell.js";
import { moveInGrid, type GridPlace } from "./grid-navigation.js";
import { headLayout, headTitles } from "./head-layout.js";
import type { MatrixGridProps } from "./matrix-grid.js";
import { useCellTooltip } from "./use-cell-tooltip.js";

register([HeatmapChart, GridComponent, DataZoomComponent, VisualMapComponent, CanvasRenderer]);

/**
 * The matrix on a canvas, for thousands of cells. One tab stop; arrows move a frame over the cells, each cell is read out, Enter opens
 * it. Sliders and Control + wheel zoom. The grid view shows the same as a table.
 */
export function MatrixCanvas({ matrix, scale, theme, onOpen }: MatrixGridProps) {
  const rows = matrix.rows.length;
  const columns = matrix.columns.length;
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  /** Which matrix and width the zoom windows were made for. */
  const zoomed = useRef("");
  const [width, setWidth] = useState(0);
  const [wantedPlace, setPlace] = useState<GridPlace | null>(null);
  const [frame, setFrame] = useState<Box | null>(null);
  const tooltipId = useId();
  const { anchor, show, hide, hideSoon, keep } = useCellTooltip();

  const { rowTitles, columnTitles, columnLayout, rowLayout } = useMemo(() => {
    const rowLayout = headLayout(matrix.rows, matrix.rowDimensions);
    const columnLayout = headLayout(matrix.columns, matrix.columnDimensions);
    return {
      rowLayout,
      columnLayout,
      rowTitles: headTitles(rowLayout, matrix.rows.length),
      columnTitles: headTitles(columnLayout, matrix.columns.length),
    };
  }, [matrix]);
  const points = useMemo(() => canvasPoints(matrix, scale, theme), [matrix, scale, theme]);
  const room = useMemo(
    () => canvasFrame(width || 800, rowTitles, columnTitles),
    [width, rowTitles, columnTitles],
  );
  const place =
    wantedPlace === null
      ? null
      : {
          row: Math.min(wantedPlace.row, rows - 1),
          column: Math.min(wantedPlace.column, columns - 1),
        };

  const showAt = (at: GridPlace) => {
    const cell = matrix.cells[at.row]?.[at.column];
    const area = host.current?.getBoundingClientRect();
    const box = chart.current === null ? null : cellBox(chart.current, at);
    if (cell === undefined || area === undefined || box === null) return;
    show({
      box: {
        left: area.left + box.left,
        right: area.left + box.right,
        top: area.top + box.top,
        bottom: area.top + box.bottom,
      },
      cell,
      row: rowTitles[at.row] ?? "",
      column: columnTitles[at.column] ?? "",
    });
  };
  // The chart's listeners outlive a render; they look here for what is current.
  const live = useRef({ showAt, hideSoon, onOpen, matrix, place });
  live.current = { showAt, hideSoon, onOpen, matrix, place };

  useEffect(() => {
    const box = host.current;
    if (box === null) return undefined;
    const made = init(box, null, { renderer: "canvas" });
    chart.current = made;
    const placeOf = (data: unknown): GridPlace | null => {
      const value = (data as CanvasPoint | undefined)?.value;
      return value === undefined ? null : { column: value[0], row: value[1] };
    };
    made.on("mousemove", ({ data }) => {
      const at = placeOf(data);
      if (at !== null) live.current.showAt(at);
    });
    made.on("mouseout", () => live.current.hideSoon());
    made.on("click", ({ data }) => {
      const at = placeOf(data);
      const cell = at === null ? undefined : live.current.matrix.cells[at.row]?.[at.column];
      if (cell !== undefined) live.current.onOpen(cell);
    });
    const reframe = () => {
      const at = live.current.place;
      setFrame(at === null ? null : cellBox(made, at));
    };
    made.on("datazoom", reframe);
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      setWidth(Math.round(entry.contentRect.width));
      made.resize();
      reframe();
    });
    observer.observe(box);
    return () => {
      observer.disconnect();
      chart.current = null;
      made.dispose();
    };
  }, []);

  useEffect(() => {
    const box = host.current;
    const made = chart.current;
    if (box === null || made === null || width === 0) return;
    // New numbers for the same matrix leave the reader's zoom alone.
    const shape = `${rows} ${columns} ${room.columnsPercent} ${room.rowsPercent}`;
    const kept = zoomed.current === shape ? zoomsOf(made) : [];
    zoomed.current = shape;
    made.setOption(
      canvasOption({ points, room, rowTitles, columnTitles, css: getComputedStyle(box), kept }),
      { notMerge: true },
    );
    made.resize();
    const at = live.current.place;
    setFrame(at === null ? null : cellBox(made, at));
  }, [points, room, width, theme, rowTitles, columnTitles, rows, columns]);

  const moveTo = (next: GridPlace) => {
    setPlace(next);
    live.current.place = next;
    const made = chart.current;
    if (made === null) return;
    reveal(made, next, rows, columns);
    setFrame(cellBox(made, next));
    showAt(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (place !== null && (event.key === "Enter" || event.key === " ")) {
      const cell = matrix.cells[place.row]?.[place.column];
      if (cell !== undefined) onOpen(cell);
      event.preventDefault();
      return;
    }
    const next = moveInGrid(place ?? { row: 0, column: 0 }, event, rows, columns);
    if (next === null) return;
    event.preventDefault();
    moveTo(next);
  };
  const current = place === null ? undefined : matrix.cells[place.row]?.[place.column];
  const constants = [...rowLayout.constant, ...columnLayout.constant]
    .map((c) => `${c.dimension} ${c.label}`)
    .join(", ");

  return (
    <div className="canvas-view">
      <p className="grid-caption">
        <strong>
          {matrix.metric.label}, {matrix.metric.unit}
        </strong>
        , {matrix.metric.better} is better.{constants !== "" && ` Everywhere: ${constants}.`}{" "}
        <span className="quiet">Ctrl + wheel zooms.</span>
      </p>
      <div
        className="canvas-box"
        role="application"
        tabIndex={0}
        aria-label={`Heat map of ${matrix.metric.label}, ${rows} rows, ${columns} columns. Arrow keys move, Enter opens. The grid view has the same as a table.`}
        aria-describedby={`${tooltipId}-live`}
        data-testid="matrix-canvas"
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          if (
            event.target === event.currentTarget &&
            event.currentTarget.matches(":focus-visible")
          ) {
            moveTo(place ?? { row: 0, column: 0 });
          }
        }}
        onBlur={hide}
      >
        <div ref={host} className="canvas-host" style={{ height: room.height }} />
        {frame !== null && (
          <div
            className="canvas-frame"
            aria-hidden="true"
            style={{
              left: frame.left,
              top: frame.top,
              width: frame.right - frame.left,
              height: frame.bottom - frame.top,
            }}
          />
        )}
        <p
          id={`${tooltipId}-live`}
          className="visually-hidden"
          aria-live="polite"
          data-testid="canvas-live"
        >
          {current !== undefined &&
            place !== null &&
            `${rowTitles[place.row]}, ${columnTitles[place.column]}: ${
              cellWords(current, matrix.metric, [
                ...matrix.rowDimensions,
                ...matrix.columnDimensions,
              ]).sentence
            }`}
        </p>
      </div>
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
