export interface GridPlace {
  row: number;
  column: number;
}

export interface GridKey {
  key: string;
  ctrlKey: boolean;
}

/** Rows that Page Up and Page Down move by. */
export const PAGE_ROWS = 10;

/**
 * Where a key moves the focus in a grid of `rows` x `columns`, after the WAI-ARIA grid pattern: arrows by one without wrapping, Home and
 * End within the row, with Control to the first and last cell, Page Up and Down by ten rows. Null for a key that does not move.
 */
export function moveInGrid(
  from: GridPlace,
  { key, ctrlKey }: GridKey,
  rows: number,
  columns: number,
): GridPlace | null {
  const place = (row: number, column: number): GridPlace => ({
    row: Math.max(0, Math.min(rows - 1, row)),
    column: Math.max(0, Math.min(columns - 1, column)),
  });
  if (rows === 0 || columns === 0) return null;
  switch (key) {
    case "ArrowUp":
      return place(from.row - 1, from.column);
    case "ArrowDown":
      return place(from.row + 1, from.column);
    case "ArrowLeft":
      return place(from.row, from.column - 1);
    case "ArrowRight":
      return place(from.row, from.column + 1);
    case "Home":
      return ctrlKey ? place(0, 0) : place(from.row, 0);
    case "End":
      return ctrlKey ? place(rows - 1, columns - 1) : place(from.row, columns - 1);
    case "PageUp":
      return place(from.row - PAGE_ROWS, from.column);
    case "PageDown":
      return place(from.row + PAGE_ROWS, from.column);
    default:
      return null;
  }
}
