import type { EChartsType } from "echarts/core";
import type { Box } from "./cell-tooltip-place.js";
import type { GridPlace } from "./grid-navigation.js";

/** The box of a cell in pixels of the chart; null while the chart has not been drawn. */
export function cellBox(chart: EChartsType, { row, column }: GridPlace): Box | null {
  const middle = chart.convertToPixel({ seriesIndex: 0 }, [column, row]) as number[] | null;
  const next = chart.convertToPixel({ seriesIndex: 0 }, [column + 1, row + 1]) as number[] | null;
  const [x, y] = middle ?? [];
  const [x1, y1] = next ?? [];
  if (x === undefined || y === undefined || x1 === undefined || y1 === undefined) return null;
  const [w, h] = [Math.abs(x1 - x) / 2, Math.abs(y1 - y) / 2];
  return { left: x - w, top: y - h, right: x + w, bottom: y + h };
}

/** One zoom window of the chart: a share of an axis in percent. */
export interface Zoom {
  id?: string;
  start?: number;
  end?: number;
}

/** The chart's zoom windows as they are now. */
export function zoomsOf(chart: EChartsType): Zoom[] {
  // Before its first option a chart has none at all.
  const option = chart.getOption() as { dataZoom?: Zoom[] } | undefined;
  return option?.dataZoom ?? [];
}

/** Moves the zoom windows just so far that a cell is in sight. */
export function reveal(
  chart: EChartsType,
  { row, column }: GridPlace,
  rows: number,
  columns: number,
) {
  zoomsOf(chart).forEach((zoom, dataZoomIndex) => {
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
