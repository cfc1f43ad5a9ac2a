import type { Matrix, MatrixCell } from "@benchfarm/contracts";
import { rampColors, type RampTheme } from "./color-ramp.js";
import { cellWords, isWide } from "./describe-cell.js";
import type { MatrixScale } from "./scale-groups.js";

/** One cell as ECharts' heat map takes it: column, row, and how it is drawn. */
export interface CanvasPoint {
  value: [column: number, row: number, position: number];
  itemStyle: { color: string };
  label: { color: string };
  text: string;
}

/** Flat colours of the cells that have no number; text on them keeps 4.5:1. */
export const STATUS_COLORS: Record<
  RampTheme,
  Record<Exclude<MatrixCell["status"], "measured">, { background: string; text: string }>
> = {
  light: {
    failed: { background: "#f7dedc", text: "#8a1c1c" },
    held: { background: "#f6e7c6", text: "#6b4700" },
    several: { background: "#e8e2f4", text: "#4d3580" },
    pending: { background: "#e9edf0", text: "#3d5263" },
    empty: { background: "#f4f5f6", text: "#5d666e" },
    not_applicable: { background: "#f4f5f6", text: "#5d666e" },
  },
  dark: {
    failed: { background: "#4a2325", text: "#ffb9b3" },
    held: { background: "#44351a", text: "#f3d58f" },
    several: { background: "#352c4b", text: "#d3c4f5" },
    pending: { background: "#262e35", text: "#b4c2cd" },
    empty: { background: "#1b1f23", text: "#98a2ab" },
    not_applicable: { background: "#1b1f23", text: "#98a2ab" },
  },
};

/** Every cell as a point, row by row. */
export function canvasPoints(matrix: Matrix, scale: MatrixScale, theme: RampTheme): CanvasPoint[] {
  const used = [...matrix.rowDimensions, ...matrix.columnDimensions];
  return matrix.cells.flatMap((row, r) =>
    row.map((cell, c): CanvasPoint => {
      const marks = [
        ...(isWide(cell) ? [" ±"] : []),
        ...(cell.weights === "synthetic" ? [" syn"] : []),
        ...(cell.simulated ? [" sim"] : []),
      ].join("");
      const text = cellWords(cell, matrix.metric, used).text + marks;
      if (cell.status === "measured" && cell.value !== null) {
        const position = scale.position(r, c, cell.value);
        const colors = rampColors(theme, position);
        return {
          value: [c, r, position],
          itemStyle: { color: colors.background },
          label: { color: colors.text },
          text,
        };
      }
      const colors = STATUS_COLORS[theme][cell.status === "measured" ? "empty" : cell.status];
      return {
        value: [c, r, 0],
        itemStyle: { color: colors.background },
        label: { color: colors.text },
        text,
      };
    }),
  );
}

export interface CanvasFrame {
  /** Room for row names on the left and column names at the top, in CSS pixels. */
  left: number;
  top: number;
  /** How many characters of a row's and a column's name there is room for. */
  rowCharacters: number;
  columnCharacters: number;
  /** Whether column names stand upright, because they do not fit beside each other. */
  upright: boolean;
  columnWidth: number;
  height: number;
  /** Share of the columns and rows in sight at first, in percent from the first one. */
  columnsPercent: number;
  rowsPercent: number;
}

const SMALLEST_COLUMN = 14;
const SMALLEST_ROW = 15;
const LARGEST_ROW = 28;
const ROOM_BELOW = 34;
/** Right of the cells, for the rows' slider. */
export const ROOM_RIGHT = 30;
/** Width of a character of an axis name at 11 pixels, on the safe side. */
const CHARACTER = 6.7;
const LONGEST_COLUMN_NAME = 26;

/** Fits a matrix of `rows` x `columns` into `width` pixels: cells never get too small to hit; what does not fit is reached by sliders. */
export function canvasFrame(
  width: number,
  rowNames: readonly string[],
  columnNames: readonly string[],
): CanvasFrame {
  const rows = rowNames.length;
  const columns = columnNames.length;
  const longest = (names: readonly string[]) =>
    names.reduce((a, name) => Math.max(a, name.length), 1);
  const left = Math.round(
    Math.min(Math.max(116, width * 0.2), 190, longest(rowNames) * CHARACTER + 14),
  );
  const room = Math.max(SMALLEST_COLUMN, width - left - ROOM_RIGHT);
  const columnsInSight = Math.min(columns, Math.max(1, Math.floor(room / SMALLEST_COLUMN)));
  const columnWidth = room / columnsInSight;
  const columnName = longest(columnNames);
  const upright = columnWidth < columnName * CHARACTER + 6;
  const columnCharacters = upright ? Math.min(LONGEST_COLUMN_NAME, columnName) : columnName;
  const top = upright ? Math.round(columnCharacters * CHARACTER) + 16 : 34;
  const rowHeight = Math.max(SMALLEST_ROW, Math.min(LARGEST_ROW, 720 / rows));
  const rowsInSight = Math.min(rows, Math.floor(900 / rowHeight));
  return {
    left,
    top,
    rowCharacters: Math.floor((left - 12) / CHARACTER),
    columnCharacters,
    upright,
    columnWidth,
    height: Math.round(top + rowsInSight * rowHeight + ROOM_BELOW),
    columnsPercent: (100 * columnsInSight) / columns,
    rowsPercent: (100 * rowsInSight) / rows,
  };
}
