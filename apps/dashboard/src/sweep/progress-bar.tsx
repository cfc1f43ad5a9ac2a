import type { SweepProgress } from "@benchfarm/contracts";
import { formatCount } from "../format/format-number.js";
import { progressParts } from "./progress-parts.js";

/** A sweep's runs as one bar: outcomes, then what runs, what waits. The words below carry the same counts. */
export function ProgressBar({ progress, words }: { progress: SweepProgress; words: boolean }) {
  const parts = progressParts(progress);
  const text = parts.map((part) => `${part.count} ${part.label}`).join(", ");
  return (
    <div className="progress" data-testid="progress">
      <div
        className="progress-bar"
        role="img"
        aria-label={`${formatCount(progress.total, "run")}: ${text}`}
      >
        {parts.map((part) => (
          <span
            key={part.label}
            className={`part ${part.tone}`}
            style={{ width: `${(100 * part.count) / Math.max(1, progress.total)}%` }}
          />
        ))}
      </div>
      {words && (
        <ul className="progress-words">
          {parts.map((part) => (
            <li key={part.label}>
              <span className={`swatch ${part.tone}`} aria-hidden="true" />
              {part.count} {part.label}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
