import { PROBLEMS, ServerProblem, UnreachableError } from "@benchfarm/contracts";

interface Explained {
  title: string;
  detail: string;
  advice: string;
}

/** What went wrong and what to do, for any error that a read can end in. */
export function explainError(error: unknown): Explained {
  if (error instanceof ServerProblem) {
    const advice: Partial<Record<keyof typeof PROBLEMS, string>> = {
      not_found:
        "It may have been removed, or the link is cut short. The lists lead to all there is.",
      invalid_request:
        "The address asks for something this farm does not take. Start again from the plain page.",
      too_many_requests: "The page asks again by itself after the pause the farm asked for.",
      internal:
        "Try again; if it stays, the control plane's log has the fault under its request id.",
      unavailable: "The farm may still be starting. Try again in a moment.",
    };
    return {
      title: PROBLEMS[error.code].title,
      detail: error.message,
      advice: advice[error.code] ?? "Try again.",
    };
  }
  if (error instanceof UnreachableError) {
    return {
      title: "The control plane does not answer",
      detail: error.message,
      advice:
        "Is it still running? On your own machine `npm run demo` starts it; what was measured is kept.",
    };
  }
  return {
    title: "The answer could not be read",
    detail: error instanceof Error ? error.message.slice(0, 600) : String(error),
    advice:
      "The dashboard and the control plane may be of different versions: rebuild with `npm run build` and reload.",
  };
}
