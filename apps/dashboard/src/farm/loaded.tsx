import type { ReactNode } from "react";
import { ProblemPanel } from "./problem-panel.js";

interface Loading<T> {
  data: T | undefined;
  error: unknown;
  isFetching: boolean;
  isPlaceholderData?: boolean;
  refetch: () => unknown;
}

/** Grey bars in the place of what is being read. */
export function Skeleton({ lines = 6 }: { lines?: number }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading" data-testid="skeleton">
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} className={`skeleton-line skeleton-line-${i % 4}`} />
      ))}
    </div>
  );
}

/**
 * The three states of a read: a skeleton, a problem, or the children over the data. Data once read stays on screen when a later read
 * fails, with a line that says so.
 */
export function Loaded<T>({
  query,
  lines,
  children,
}: {
  query: Loading<T>;
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  const retry = () => void query.refetch();
  const stale = query.error !== null && query.isPlaceholderData === true;
  if (query.data === undefined || stale) {
    return query.error === null ? (
      <Skeleton {...(lines === undefined ? {} : { lines })} />
    ) : (
      <ProblemPanel error={query.error} onRetry={retry} />
    );
  }
  return (
    <>
      {query.error !== null && (
        <p className="notice warning" role="status" data-testid="stale">
          The farm does not answer at the moment; what you see is the last answer.{" "}
          <button type="button" className="link" onClick={retry}>
            Ask again
          </button>
        </p>
      )}
      {children(query.data)}
    </>
  );
}
