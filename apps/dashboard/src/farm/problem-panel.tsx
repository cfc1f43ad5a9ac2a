import { ServerProblem } from "@benchfarm/contracts";
import { useId, useState, type FormEvent } from "react";
import { Prose } from "../design/prose.js";
import { setApiKey, useApiKey } from "./api-key.js";
import { explainError } from "./explain-error.js";

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
