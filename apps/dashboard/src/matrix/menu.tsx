import { useEffect, useRef, type ReactNode } from "react";

/** A button that opens a small box below it; a click elsewhere, Escape or leaving it with Tab closes it. */
export function Menu({
  label,
  active,
  testId,
  children,
}: {
  label: ReactNode;
  /** Whether what it holds differs from the default. */
  active: boolean;
  testId: string;
  children: ReactNode;
}) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const details = box.current;
      if (details === null || !details.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        details.open = false;
        details.querySelector("summary")?.focus();
      } else if (!(event.target instanceof Node && details.contains(event.target))) {
        details.open = false;
      }
    };
    const kinds = ["pointerdown", "keydown", "focusin"] as const;
    for (const kind of kinds) document.addEventListener(kind, close);
    return () => {
      for (const kind of kinds) document.removeEventListener(kind, close);
    };
  }, []);
  return (
    <details ref={box} className={active ? "menu active" : "menu"} data-testid={testId}>
      <summary>{label}</summary>
      <div className="menu-box">{children}</div>
    </details>
  );
}
