import { HeatmapChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, VisualMapComponent } from "echarts/components";
import { init, use as register, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import type { Box } from "./cell-tooltip-place.js";
import { canvasFrame, canvasPoints, type CanvasPoint } from "./canvas-points.js";
import { CellTooltip } from "./cell-tooltip.js";
import { cellWords } from "./describe-cell.js";
import { moveInGrid, type GridPlace } from "./grid-navigation.js";
import { headLayout, headTitles, shortTitle } from "./head-layout.js";
import type { MatrixGridProps } from "./matrix-grid.js";
import { useCellTooltip } from "./use-cell-tooltip.js";

register([HeatmapChart, GridComponent, DataZoomComponent, VisualMapComponent, CanvasRenderer]);

/** Labels inside cells appear from this cell width on, in pixels. */
const LABEL_FROM_WIDTH = 38;

function cellBox(chart: EChartsType, { row, column }: GridPlace): Box | null {
  const middle = chart.convertToPixel({ seriesIndex: 0 }, [column, row]) as number[] | null;
  const next = chart.convertToPixel({ seriesIndex: 0 }, [column + 1, row + 1]) as number[] | null;
  const [x, y] = middle ?? [];
  const [x1, y1] = next ?? [];
  if (x === undefined || y === undefined || x1 === undefined || y1 === undefined) return null;
  const [w, h] = [Math.abs(x1 - x) / 2, Math.abs(y1 - y) / 2];
  return { left: x - w, top: y - h, right: x + w, bottom: y + h };
}

/**
 * The matrix on a canvas, for thousands of cells. One tab stop; arrows move a frame over the cells, each cell is read out, Enter opens
 * it. Sliders and Control + wheel zoom. The grid view shows the same as a table.
 */
export function MatrixCanvas({ matrix, scale, theme, onOpen }: MatrixGridProps) {
  const rows = matrix.rows.length;
  const columns = matrix.columns.length;
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
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
  const room = useMemo(() => canvasFrame(width || 800, rows, columns), [width, rows, columns]);
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
    const css = getComputedStyle(box);
    const ink = css.color;
    const line = css.borderTopColor;
    const font = { color: ink, fontFamily: css.fontFamily, fontSize: 11 };
    const cellWidth = (width - room.left - 30) / Math.max(1, (columns * room.columnsPercent) / 100);
    const slider = {
      type: "slider",
      brushSelect: false,
      showDetail: false,
      showDataShadow: false,
      borderColor: line,
      fillerColor: theme === "light" ? "rgba(40,90,130,0.14)" : "rgba(140,200,220,0.18)",
      handleStyle: { color: line, borderColor: ink },
      moveHandleSize: 0,
    };
    const zooms = [
      ...(room.columnsPercent < 100 || columns > 20
        ? [
            { ...slider, id: "x", xAxisIndex: 0, height: 12, bottom: 8, end: room.columnsPercent },
            {
              type: "inside",
              xAxisIndex: 0,
              zoomOnMouseWheel: "ctrl",
              moveOnMouseWheel: false,
              moveOnMouseMove: false,
              preventDefaultMouseMove: false,
              end: room.columnsPercent,
            },
          ]
        : []),
      ...(room.rowsPercent < 100
        ? [{ ...slider, id: "y", yAxisIndex: 0, width: 12, right: 6, end: room.rowsPercent }]
        : []),
    ];
    made.setOption(
      {
        animation: false,
        aria: { enabled: false },
        grid: { left: room.left, top: room.top, right: 30, bottom: 34 },
        xAxis: {
          type: "category",
          position: "top",
          data: columnTitles.map((title) => shortTitle(title, 27)),
          axisTick: { show: false },
          axisLine: { show: false },
          splitArea: { show: false },
          axisLabel: {
            ...font,
            rotate: cellWidth < 90 ? 90 : 0,
            width: cellWidth < 90 ? 160 : cellWidth - 4,
            overflow: "truncate",
            interval: cellWidth >= 13 ? 0 : "auto",
          },
        },
        yAxis: {
          type: "category",
          inverse: true,
          data: rowTitles.map((title) => shortTitle(title, Math.round(room.left / 6.4))),
          axisTick: { show: false },
          axisLine: { show: false },
          axisLabel: { ...font, width: room.left - 12, overflow: "truncate", interval: 0 },
        },
        dataZoom: zooms,
        // The heat map series insists on a visual map; the colours are the points' own.
        visualMap: { show: false, min: 0, max: 1, seriesIndex: [], dimension: 2 },
        series: [
          {
            type: "heatmap",
            data: points,
            progressive: 4000,
            itemStyle: { borderColor: css.backgroundColor, borderWidth: cellWidth > 8 ? 1 : 0 },
            emphasis: { itemStyle: { borderColor: ink, borderWidth: 1.5 } },
            label: {
              show: cellWidth >= LABEL_FROM_WIDTH,
              fontSize: 10,
              fontFamily: css.fontFamily,
              width: cellWidth - 4,
              overflow: "truncate",
              formatter: ({ data }: { data: CanvasPoint }) => data.text,
            },
          },
        ],
      } as unknown as Parameters<EChartsType["setOption"]>[0],
      { notMerge: true },
    );
    made.resize();
    const at = live.current.place;
    setFrame(at === null ? null : cellBox(made, at));
  }, [points, room, width, theme, rowTitles, columnTitles, columns]);

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

/** Moves the zoom windows just so far that a cell is in sight. */
function reveal(chart: EChartsType, { row, column }: GridPlace, rows: number, columns: number) {
  const zooms = (chart.getOption()["dataZoom"] ?? []) as {
    id?: string;
    start?: number;
    end?: number;
  }[];
  zooms.forEach((zoom, dataZoomIndex) => {
    const count = zoom.id === "x" ? columns : zoom.id === "y" ? rows : 0;
    if (count === 0) return;
    const at = zoom.id === "x" ? column : row;
    const { start = 0, end = 100 } = zoom;
    const span = end - start;
    const [from, to] = [(100 * at) / count, (100 * (at + 1)) / count];
    const moved = from < start ? from : to > end ? to - span : start;
    if (moved !== start) {
      chart.dispatchAction({ type: "dataZoom", dataZoomIndex, start: moved, end: moved + span });
    }
  });
}
