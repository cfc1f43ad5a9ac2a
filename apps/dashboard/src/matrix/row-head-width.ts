import type { CSSProperties } from "react";
import type { HeadLayout } from "./head-layout.js";

const OUTER_WIDTH = 148;
const INNER_WIDTH = 92;
/** Width of the one column of row heads on a narrow screen. */
const STACKED_WIDTH = 108;

const widthOf = (level: number) => (level === 0 ? OUTER_WIDTH : INNER_WIDTH);

/** Place and width of the row heads of one level: they stay at the left edge while the cells scroll, so their widths are fixed. */
export function rowHeadStyle(level: number): CSSProperties {
  const width = widthOf(level);
  const left = level === 0 ? 0 : OUTER_WIDTH + (level - 1) * INNER_WIDTH;
  return { left, width, minWidth: width, maxWidth: width };
}

/** Width of all row heads together, in CSS pixels. */
export function rowHeadsWidth(layout: HeadLayout, stacked: boolean): number {
  if (stacked) return STACKED_WIDTH;
  return layout.levels.reduce((sum, _, level) => sum + widthOf(level), 0);
}
