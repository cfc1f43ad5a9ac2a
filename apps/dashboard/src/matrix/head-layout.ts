import type { Dimension, MatrixHead } from "@benchfarm/contracts";

export interface HeadSpan {
  /** First row or column it covers, and how many. */
  start: number;
  span: number;
  id: string;
  label: string;
  dimension: Dimension;
}

export interface HeadLayout {
  /** Dimensions with the same value all along the axis; said once instead of repeated. */
  constant: { dimension: Dimension; label: string }[];
  /** One list of spans per varying dimension, outermost first; neighbours with equal values (and equal outer values) are merged. */
  levels: HeadSpan[][];
}

/** Lays out the heads of one axis. The last dimension is kept as a level even if constant, so every row and column has a head. */
export function headLayout(heads: MatrixHead[], dimensions: Dimension[]): HeadLayout {
  const valueAt = (head: MatrixHead, dimension: Dimension) =>
    head.values.find((v) => v.dimension === dimension) ?? { dimension, id: "", label: "" };
  const first = heads[0];
  if (first === undefined) return { constant: [], levels: [] };
  const isConstant = dimensions.map((dimension) =>
    heads.every((head) => valueAt(head, dimension).id === valueAt(first, dimension).id),
  );
  const last = dimensions.length - 1;
  if (isConstant.every(Boolean)) isConstant[last] = false;
  const varying = dimensions.filter((_, i) => isConstant[i] !== true);

  const levels = varying.map((dimension, level) => {
    const spans: HeadSpan[] = [];
    heads.forEach((head, i) => {
      const value = valueAt(head, dimension);
      const before = heads[i - 1];
      const open = spans.at(-1);
      const same =
        before !== undefined &&
        varying
          .slice(0, level + 1)
          .every((outer) => valueAt(before, outer).id === valueAt(head, outer).id);
      if (same && open !== undefined) open.span += 1;
      else spans.push({ start: i, span: 1, id: value.id, label: value.label, dimension });
    });
    return spans;
  });
  return {
    constant: dimensions
      .filter((_, i) => isConstant[i] === true)
      .map((dimension) => ({ dimension, label: valueAt(first, dimension).label })),
    levels,
  };
}

/** Shortens the outermost part of a head's title, so that the title fits into `most` characters and its inner parts stay whole. */
export function shortTitle(title: string, most: number): string {
  if (title.length <= most) return title;
  const at = title.indexOf(" · ");
  const [outer, inner] = at === -1 ? [title, ""] : [title.slice(0, at), title.slice(at)];
  const room = Math.max(4, most - inner.length - 1);
  return outer.length <= room ? title : `${outer.slice(0, room).trimEnd()}…${inner}`;
}

/** The varying part of every head's label, for axes that have one line of text per head. */
export function headTitles(layout: HeadLayout, count: number): string[] {
  const titles: string[][] = Array.from({ length: count }, () => []);
  for (const level of layout.levels) {
    for (const { start, span, label } of level) {
      for (let i = start; i < start + span; i += 1) titles[i]?.push(label);
    }
  }
  return titles.map((parts) => parts.join(" · "));
}
