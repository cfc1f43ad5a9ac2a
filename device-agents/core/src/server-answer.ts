import { ServerProblem, UnreachableError } from "@benchfarm/contracts";
import { AgentStopped } from "./agent-failure.js";

/** What an error of a call means for the agent. */
export type ErrorMeaning =
  /** The farm is away or busy: the same call again, later. */
  | { kind: "later"; afterMs: number; message: string }
  /** Another session took this one's place, or the farm forgot it. */
  | { kind: "new_session"; message: string }
  /** The lease is lost, the run is gone, or the farm will never take this. */
  | { kind: "refused"; message: string };

/**
 * Sorts an error of a call by its problem code. Throws AgentStopped where only a person can help, and errors that are none of a
 * farm's as they are.
 */
export function meaningOf(error: unknown): ErrorMeaning {
  if (error instanceof UnreachableError)
    return { kind: "later", afterMs: 0, message: error.message };
  // By name: these are the platform's own, and may come from another realm.
  const { name = "", message: said = "" } = (error ?? {}) as { name?: string; message?: string };
  if (name === "AbortError" || name === "TimeoutError") {
    return { kind: "later", afterMs: 0, message: "the farm did not answer in time" };
  }
  // A connection that breaks inside a reply's body; other TypeErrors are faults of this program.
  if (name === "TypeError" && /^(?:terminated|fetch failed)/.test(said)) {
    return { kind: "later", afterMs: 0, message: said };
  }
  if (/^\$?ZodError$|^SyntaxError$/.test(name)) {
    return { kind: "later", afterMs: 0, message: `the farm's answer is not understood: ${said}` };
  }
  if (!(error instanceof ServerProblem)) throw error;
  const { message } = error;
  switch (error.code) {
    case "session_unknown":
      return { kind: "new_session", message };
    case "agent_outdated":
      throw new AgentStopped(
        "outdated",
        `this agent is too old for the farm (${message}); install the farm's version of Benchfarm and start it again`,
        { cause: error },
      );
    case "signature_invalid":
    case "unauthenticated":
      throw new AgentStopped(
        "refused",
        `the farm does not accept this agent's signature (${message}); check the machine's clock, or enrol the agent again with a new code`,
        { cause: error },
      );
    default:
      return error.status >= 500 || error.code === "too_many_requests"
        ? { kind: "later", afterMs: error.retryAfterMs ?? 0, message }
        : { kind: "refused", message };
  }
}
