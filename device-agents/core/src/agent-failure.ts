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

/** The `code` of a system error, such as ENOENT; null for anything else. By shape: an error may come from another realm. */
export function systemErrorCode(error: unknown): string | null {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : null;
}

/** Whether a file-system error says that there is no room. */
export function isOutOfSpace(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}
