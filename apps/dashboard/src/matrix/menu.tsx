import { useEffect, useRef, type ReactNode } from "react";

/** Lets the box of an opened menu grow to the left where it would reach past the right edge of the page. */
function alignMenu(details: HTMLDetailsElement): void {
  details.classList.remove("to-left");
  const right = details.querySelector(".menu-box")?.getBoundingClientRect().right ?? 0;
  if (details.open && right > document.documentElement.clientWidth - 4) {
    details.classList.add("to-left");
  }
}

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
    <details
      ref={box}
      onToggle={(event) => alignMenu(event.currentTarget)}
      className={active ? "menu active" : "menu"}
      data-testid={testId}
    >
      <summary>{label}</summary>
      <div className="menu-box">{children}</div>
    </details>
  );
}
