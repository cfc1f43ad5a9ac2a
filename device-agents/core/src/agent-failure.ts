import type { FailureCode } from "@benchfarm/contracts";

/** A reason for a run without a number; `message` says what happened and what to do. */
export class AgentFailure extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentFailure";
    this.code = code;
  }
}

/** The agent cannot go on; `message` says what a person has to do. */
export class AgentStopped extends Error {
  readonly reason: "not_enrolled" | "outdated" | "refused" | "folder_in_use" | "broken_folder";

  constructor(reason: AgentStopped["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentStopped";
    this.reason = reason;
  }
}

const OUT_OF_SPACE = new Set(["ENOSPC", "EDQUOT"]);

/** Whether a file-system error says that there is no room. */
export function isOutOfSpace(error: unknown): boolean {
  return error instanceof Error && OUT_OF_SPACE.has((error as NodeJS.ErrnoException).code ?? "");
}
