import { RunOutcome, type SweepProgress } from "@benchfarm/contracts";

export interface ProgressPart {
  label: string;
  count: number;
  tone: "good" | "bad" | "warn" | "info" | "waiting" | "blocked" | "quiet";
}

const OUTCOME_TONES: Record<RunOutcome, ProgressPart["tone"]> = {
  succeeded: "good",
  reused: "good",
  failed: "bad",
  invalid: "bad",
  infra_error: "bad",
  timed_out: "bad",
  expired: "warn",
  no_capacity: "warn",
  canceled: "quiet",
  superseded: "quiet",
};

/** The parts of a sweep's progress that have runs, finished ones first; their counts add up to the total. */
export function progressParts(progress: SweepProgress): ProgressPart[] {
  const outcomes = RunOutcome.options.map((outcome): ProgressPart => ({
    label: outcome.replaceAll("_", " "),
    count: progress.outcomes[outcome] ?? 0,
    tone: OUTCOME_TONES[outcome],
  }));
  const told = outcomes.reduce((sum, part) => sum + part.count, 0);
  const parts: ProgressPart[] = [
    ...outcomes,
    { label: "done", count: Math.max(0, progress.done - told), tone: "quiet" },
    { label: "running", count: progress.active, tone: "info" },
    { label: "queued", count: progress.queued, tone: "waiting" },
    { label: "blocked", count: progress.blocked, tone: "blocked" },
  ];
  return parts.filter((part) => part.count > 0);
}
