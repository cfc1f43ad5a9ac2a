import type { Matrix } from "@benchfarm/contracts";
import { CopyButton } from "../design/copy-button.js";
import { fieldWords } from "./field-words.js";

const isDigest = (text: string) =>
  /^[0-9a-f]{64}$/.test(text) || /^[a-z]{3}_[0-9a-f]{32}$/.test(text);

/** What the numbers shown have in common, and in what they differ: only like is compared with like. */
export function ComparisonPanel({ comparison }: { comparison: Matrix["comparison"] }) {
  const same = Object.entries(comparison.same);
  if (same.length === 0 && comparison.varies.length === 0) return null;
  return (
    <section className="panel" aria-label="Comparison" data-testid="comparison">
      <h2>Comparison</h2>
      {same.length > 0 && (
        <>
          <h3>Same in every cell shown</h3>
          <dl className="facts">
            {same.map(([field, value]) => (
              <div key={field}>
                <dt>{fieldWords(field)}</dt>
                <dd>
                  {isDigest(value) ? (
                    <>
                      <code title={value}>{value.slice(0, 12)}…</code>{" "}
                      <CopyButton text={value} what={fieldWords(field)} />
                    </>
                  ) : (
                    value
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
      {comparison.varies.length > 0 && (
        <>
          <h3>Differs between cells</h3>
          <p>{comparison.varies.map(fieldWords).join(", ")}</p>
        </>
      )}
      <p className="quiet">
        Numbers with different comparison keys stand side by side and are never averaged.
      </p>
    </section>
  );
}
