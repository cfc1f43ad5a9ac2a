import type { Matrix, MatrixCell } from "@benchfarm/contracts";
import { rampColors, type RampTheme } from "./color-ramp.js";
import { countStatuses, isWide, reasonsOf, WIDE_INTERVAL } from "./describe-cell.js";
import { describeGroup, NARROWEST_RATIO, type MatrixScale } from "./scale-groups.js";

const STOPS = Array.from({ length: 13 }, (_, i) => i / 12);

const STATUS_WORDS: [MatrixCell["status"], string][] = [
  ["failed", "failed"],
  ["held", "held back"],
  ["several", "with several keys: open one to add the dimension that tells them apart"],
  ["pending", "pending"],
  ["empty", "not run"],
  ["not_applicable", "n/a: the metric does not exist for that workload"],
];

const REASONS_SHOWN = 3;

function Reasons({ matrix, status }: { matrix: Matrix; status: MatrixCell["status"] }) {
  const reasons = reasonsOf(matrix, status);
  if (reasons.length === 0 || status === "not_applicable") return null;
  const rest = reasons.length - REASONS_SHOWN;
  return (
    <ul className="legend-reasons">
      {reasons.slice(0, REASONS_SHOWN).map(({ reason, count }) => (
        <li key={reason}>
          {count}: {reason}
        </li>
      ))}
      {rest > 0 && <li>and others, in their cells</li>}
    </ul>
  );
}

/** How to read the colours and words of a matrix. */
export function Legend({
  matrix,
  scale,
  theme,
}: {
  matrix: Matrix;
  scale: MatrixScale;
  theme: RampTheme;
}) {
  const { metric } = matrix;
  const gradient = `linear-gradient(to right, ${STOPS.map((t) => rampColors(theme, t).background).join(", ")})`;
  const counts = countStatuses(matrix);
  const cells = matrix.cells.flat();
  const synthetic = cells.some((cell) => cell.weights === "synthetic");
  const simulated = cells.some((cell) => cell.simulated);
  const byKind = scale.groups.length > 1;
  return (
    <section className="panel legend" aria-label="How to read it" data-testid="legend">
      <h2>How to read it</h2>
      {scale.groups.map((group) => (
        <div key={group.kind} className="legend-group">
          <p>
            <strong>{group.label}</strong>
            <br />
            {describeGroup(group, metric.unit, metric.digits)}
          </p>
          <div className="legend-bar" style={{ background: gradient }} aria-hidden="true" />
        </div>
      ))}
      {scale.groups.length > 0 && (
        <p className="legend-ends">
          <span>worse ({metric.better === "higher" ? "lower" : "higher"})</span>
          <span>better ({metric.better})</span>
        </p>
      )}
      {scale.groups.length > 0 && (
        <p className="quiet">
          {byKind
            ? "Each kind of workload is coloured over its own range, because a prefill rate is many times a decode rate. "
            : "One range for all cells shown. "}
          {scale.groups.every((group) => group.steps === "ratio")
            ? `Equal steps of colour are equal ratios; values within a factor of ${NARROWEST_RATIO} stay close in colour.`
            : "Equal steps of colour are equal differences."}
        </p>
      )}
      <ul className="legend-list">
        {STATUS_WORDS.filter(([status]) => counts[status] !== undefined).map(([status, words]) => (
          <li key={status}>
            <span className={`swatch ${status}`} aria-hidden="true" />
            {counts[status]} {words}
            <Reasons matrix={matrix} status={status} />
          </li>
        ))}
        {cells.some(isWide) && (
          <li>
            <span className="mark">±</span> noisy: the 95 % interval is wider than{" "}
            {WIDE_INTERVAL * 100} % of the number.
          </li>
        )}
        {synthetic && (
          <li>
            <span className="mark">syn</span> synthetic weights: random numbers in the model's exact
            shape. Their speed compares with the released file's; what they write is meaningless.
          </li>
        )}
        {simulated && (
          <li>
            <span className="mark">sim</span> simulated device: a test double, no real measurement.
          </li>
        )}
      </ul>
    </section>
  );
}
