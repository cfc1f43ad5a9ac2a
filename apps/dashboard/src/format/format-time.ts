/** A duration for people: `340 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`; a dash for null. */
export function formatDuration(durationMs: number | null): string {
  if (durationMs === null || !Number.isFinite(durationMs)) return "–";
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = durationMs / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** How long ago an instant was: `just now`, `12 s ago`, `3 h ago`, `5 d ago`; a later instant than `nowMs` is `just now`. */
export function formatAgo(at: string | null, nowMs: number): string {
  if (at === null) return "never";
  const seconds = Math.floor((nowMs - Date.parse(at)) / 1000);
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** An instant as `2026-11-22 16:40:05 UTC`, the same for every reader. */
export function formatInstant(at: string | null): string {
  if (at === null) return "–";
  const iso = new Date(at).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** The time between two instants in milliseconds; null while one is missing. */
export function elapsedMs(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Date.parse(to) - Date.parse(from);
}
