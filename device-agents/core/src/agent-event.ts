import type { Assignment, AttemptEndReason, AttemptPhase, Failure } from "@benchfarm/contracts";

/** What an agent tells the program it runs in, as it happens. */
export type AgentEvent =
  | { kind: "session_opened"; agentId: string; deviceIds: string[] }
  | { kind: "attempt_offered"; assignment: Assignment }
  | { kind: "attempt_phase"; attemptId: string; runId: string; phase: AttemptPhase }
  | {
      kind: "attempt_progress";
      attemptId: string;
      runId: string;
      repetition: number;
      repetitions: number;
    }
  | { kind: "attempt_waiting"; attemptId: string; runId: string; reason: string }
  | {
      kind: "attempt_ended";
      attemptId: string;
      runId: string;
      endReason: AttemptEndReason;
      failure: Failure | null;
    }
  | { kind: "farm_unreachable"; message: string }
  | { kind: "farm_reached" };

export interface AgentLog {
  info(message: string): void;
  warn(message: string): void;
}

export const silentLog: AgentLog = { info: () => undefined, warn: () => undefined };
