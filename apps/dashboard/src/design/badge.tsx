import type { ReactNode } from "react";

export type Tone = "good" | "bad" | "warn" | "info" | "quiet";

/** A word of state. The word carries the meaning; the colour only repeats it. */
export function Badge({
  tone,
  children,
  title,
}: {
  tone: Tone;
  children: ReactNode;
  title?: string;
}) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

/** How the words of runs, attempts, results and devices are toned. */
export function toneOf(word: string | null): Tone {
  switch (word) {
    case "succeeded":
    case "completed":
    case "measured":
    case "valid":
    case "ready":
    case "good":
      return "good";
    case "failed":
    case "invalid":
    case "infra_error":
    case "timed_out":
    case "run_failed":
    case "run_invalid":
    case "bad":
    case "looping":
    case "unreachable":
    case "device_lost":
    case "agent_crash":
    case "server_fault":
      return "bad";
    case "held":
    case "blocked":
    case "suspect":
    case "expired":
    case "no_capacity":
    case "canceling":
    case "manual":
    case "auto":
    case "maintenance":
    case "lease_lost":
    case "gate_timeout":
      return "warn";
    case "active":
    case "leased":
    case "measuring":
    case "accepted":
    case "preparing":
    case "gating":
    case "finalizing":
    case "offered":
      return "info";
    default:
      return "quiet";
  }
}

/** A state word with its tone, underscores as spaces. */
export function StateBadge({ word }: { word: string }) {
  return <Badge tone={toneOf(word)}>{word.replaceAll("_", " ")}</Badge>;
}
