import { PROBLEMS, ServerProblem, UnreachableError } from "@benchfarm/contracts";
import { useId, useState, type FormEvent } from "react";
import { Prose } from "../design/prose.js";
import { setApiKey, useApiKey } from "./api-key.js";

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

function ApiKeyForm({ problem }: { problem: ServerProblem }) {
  const field = useId();
  const held = useApiKey();
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const key = text.trim();
    if (key !== "") setApiKey(key);
  };
  return (
    <section className="panel problem" role="alert" data-testid="api-key-form">
      <h2>
        {problem.status === 403
          ? "This API key may not read this"
          : "This farm asks for an API key"}
      </h2>
      <p>
        <Prose text={problem.message} />
      </p>
      <form onSubmit={submit} className="key-form">
        <label htmlFor={field}>API key</label>
        <input
          id={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="bf_…"
          value={text}
          onChange={(event) => setText(event.target.value)}
          data-testid="api-key-input"
        />
        <button type="submit" className="primary" disabled={text.trim() === ""}>
          Use this key
        </button>
        {held !== null && (
          <button type="button" onClick={() => setApiKey(null)}>
            Forget the key in use
          </button>
        )}
      </form>
      <p className="quiet">
        Where to get one: a farm that you started yourself keeps its key in{" "}
        <code>.benchfarm/credentials.json</code>; on another farm its administrator makes one for
        you (<code>POST /v1/api-keys</code>, scopes <code>matrix:read</code>,{" "}
        <code>result:read</code>, <code>run:read</code>, <code>sweep:read</code>,{" "}
        <code>device:read</code>). The key stays in this tab and is gone when you close it.
      </p>
    </section>
  );
}

/** The error state of a page: what happened, what to do, and a way to try again; a form where an API key is what is missing. */
export function ProblemPanel({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  if (error instanceof ServerProblem && (error.status === 401 || error.status === 403)) {
    return <ApiKeyForm problem={error} />;
  }
  const { title, detail, advice } = explainError(error);
  return (
    <section className="panel problem" role="alert" data-testid="problem">
      <h2>{title}</h2>
      <p>
        <Prose text={detail} />
      </p>
      {error instanceof ServerProblem && error.errors !== undefined && (
        <ul>
          {error.errors.map((field) => (
            <li key={field.path + field.message}>
              <code>{field.path}</code>: {field.message}
            </li>
          ))}
        </ul>
      )}
      <p className="quiet">
        <Prose text={advice} />
      </p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </section>
  );
}
