import { useState } from "react";

async function copy(text: string): Promise<void> {
  // The clipboard API exists only in secure contexts; a farm on the lab's network is often plain http.
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("the browser refused to copy");
}

/** Copies `text`, and says whether that worked. */
export function CopyButton({
  text,
  what,
  label = "Copy",
}: {
  text: string;
  what: string;
  label?: string;
}) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const onClick = () => {
    copy(text).then(
      () => setState("copied"),
      () => setState("failed"),
    );
    setTimeout(() => setState("idle"), 2500);
  };
  return (
    <button type="button" className="small" onClick={onClick} aria-label={`Copy ${what}`}>
      <span aria-live="polite">
        {state === "copied" ? "Copied" : state === "failed" ? "Select and copy by hand" : label}
      </span>
    </button>
  );
}
