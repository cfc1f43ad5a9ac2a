import { useCallback, useEffect, useRef, useState } from "react";
import type { TooltipAnchor } from "./cell-tooltip.js";

const LEAVE_AFTER_MS = 120;

/**
 * One tooltip for a whole matrix. It stays while the pointer is on the cell or on the tooltip itself, and Escape puts it away
 * (WCAG 2.2, 1.4.13).
 */
export function useCellTooltip() {
  const [anchor, setAnchor] = useState<TooltipAnchor | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const show = useCallback((next: TooltipAnchor) => {
    clearTimeout(timer.current);
    setAnchor(next);
  }, []);
  const hide = useCallback(() => {
    clearTimeout(timer.current);
    setAnchor(null);
  }, []);
  const hideSoon = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setAnchor(null), LEAVE_AFTER_MS);
  }, []);
  const keep = useCallback(() => clearTimeout(timer.current), []);

  useEffect(() => {
    if (anchor === null) return undefined;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") hide();
    };
    document.addEventListener("keydown", onKey);
    window.addEventListener("scroll", hide, { passive: true });
    return () => {
      document.removeEventListener("keydown", onKey);
      window.removeEventListener("scroll", hide);
    };
  }, [anchor, hide]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return { anchor, show, hide, hideSoon, keep };
}
