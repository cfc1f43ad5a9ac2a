/** A box in viewport pixels. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const GAP = 6;

/** The place of a box of `size` beside `anchor`: below if it fits, else above, and always inside the viewport. Pixels. */
export function placeTooltip(
  anchor: Box,
  size: { width: number; height: number },
  viewport: { width: number; height: number },
): { left: number; top: number } {
  const below = anchor.bottom + GAP;
  const top =
    below + size.height <= viewport.height ? below : Math.max(GAP, anchor.top - GAP - size.height);
  const middle = (anchor.left + anchor.right) / 2 - size.width / 2;
  return { left: Math.max(GAP, Math.min(viewport.width - size.width - GAP, middle)), top };
}
