import type { EChartsType } from "echarts/core";
import { ROOM_RIGHT, type CanvasFrame, type CanvasPoint } from "./canvas-points.js";
import type { Zoom } from "./canvas-zoom.js";
import { shortTitle } from "./head-layout.js";

/** Labels inside cells appear from this cell width on, in pixels. */
const LABEL_FROM_WIDTH = 46;
/** From this many columns on, a slider under the cells narrows them down. */
const SLIDER_FROM_COLUMNS = 21;

/** What ECharts is told to draw; colours and font come from the style sheet by way of `css`. */
export function canvasOption({
  points,
  room,
  rowTitles,
  columnTitles,
  css,
  kept,
}: {
  points: CanvasPoint[];
  room: CanvasFrame;
  rowTitles: string[];
  columnTitles: string[];
  css: Pick<CSSStyleDeclaration, "color" | "borderTopColor" | "backgroundColor" | "fontFamily">;
  /** Zoom windows to keep; empty to begin anew. */
  kept: Zoom[];
}): Parameters<EChartsType["setOption"]>[0] {
  const font = { color: css.color, fontFamily: css.fontFamily, fontSize: 11 };
  const cellWidth = room.columnWidth;
  const quiet = { axisTick: { show: false }, axisLine: { show: false } };
  const slider = {
    type: "slider",
    brushSelect: false,
    showDetail: false,
    showDataShadow: false,
    borderColor: css.borderTopColor,
    fillerColor: "rgba(90,140,175,0.22)",
    handleStyle: { color: css.borderTopColor, borderColor: css.color },
    moveHandleSize: 0,
  };
  const range = (id: Zoom["id"], percent: number) => {
    const now = kept.find((zoom) => zoom.id === id);
    return { start: now?.start ?? 0, end: now?.end ?? percent };
  };
  const x = range("x", room.columnsPercent);
  const y = range("y", room.rowsPercent);
  const wheel = {
    type: "inside",
    xAxisIndex: 0,
    zoomOnMouseWheel: "ctrl",
    moveOnMouseWheel: false,
    moveOnMouseMove: false,
    preventDefaultMouseMove: false,
    ...x,
  };
  const dataZoom = [
    ...(room.columnsPercent < 100 || columnTitles.length >= SLIDER_FROM_COLUMNS
      ? [{ ...slider, id: "x", xAxisIndex: 0, height: 12, bottom: 8, ...x }, wheel]
      : []),
    ...(room.rowsPercent < 100
      ? [{ ...slider, id: "y", yAxisIndex: 0, width: 12, right: 6, ...y }]
      : []),
  ];
  const option = {
    animation: false,
    aria: { enabled: false },
    grid: { left: room.left, top: room.top, right: ROOM_RIGHT, bottom: 34 },
    xAxis: {
      ...quiet,
      type: "category",
      position: "top",
      data: columnTitles.map((title) => shortTitle(title, room.columnCharacters)),
      axisLabel: {
        ...font,
        rotate: room.upright ? 90 : 0,
        interval: cellWidth >= 13 ? 0 : "auto",
      },
    },
    yAxis: {
      ...quiet,
      type: "category",
      inverse: true,
      data: rowTitles.map((title) => shortTitle(title, room.rowCharacters)),
      axisLabel: { ...font, interval: 0 },
    },
    dataZoom,
    // The heat map series insists on a visual map; the colours are the points' own.
    visualMap: { show: false, min: 0, max: 1, seriesIndex: [], dimension: 2 },
    series: [
      {
        type: "heatmap",
        data: points,
        progressive: 4000,
        itemStyle: { borderColor: css.backgroundColor, borderWidth: cellWidth > 8 ? 1 : 0 },
        emphasis: { itemStyle: { borderColor: css.color, borderWidth: 1.5 } },
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
  };
  // ECharts' own option type is that of all its charts together and does not admit `preventDefaultMouseMove`.
  return option as unknown as Parameters<EChartsType["setOption"]>[0];
}
