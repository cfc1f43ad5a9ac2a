import type { MetricDefinition } from "@benchfarm/contracts";
import { formatMetric } from "../format/format-number.js";
import { stripLayout } from "./strip-layout.js";

export interface StripSource {
  id: string;
  label: string;
  dots: { value: number; warmup: boolean; index: number }[];
}

const ROW = 44;
const AXIS = 26;
const percent = (x: number) => `${(100 * x).toFixed(2)}%`;

/**
 * Every repetition as a dot, one row per result, with a box over the measured ones: quartiles, median, whiskers to the smallest and
 * largest. Warm-ups are hollow and outside the box.
 */
export function StripPlot({
  sources,
  metric,
}: {
  sources: StripSource[];
  metric: MetricDefinition;
}) {
  const layout = stripLayout(sources.map((source) => source.dots));
  if (layout === null) {
    return (
      <p className="quiet">
        No repetition carries {metric.label.toLowerCase()} by itself: {metric.definition}.
      </p>
    );
  }
  const height = sources.length * ROW + AXIS;
  return (
    <figure className="strip" data-testid="strip-plot">
      <div className="strip-rows">
        <ul className="strip-labels" aria-hidden="true">
          {sources.map((source) => (
            <li key={source.id}>{source.label}</li>
          ))}
        </ul>
        <svg
          height={height}
          role="img"
          aria-label={`${metric.label} of every repetition, ${sources.length} results. The table below has the same numbers.`}
        >
          {layout.ticks.map((tick) => (
            <g key={tick}>
              <line
                className="strip-grid"
                x1={percent(layout.x(tick))}
                x2={percent(layout.x(tick))}
                y1={0}
                y2={height - AXIS}
              />
              <text x={percent(layout.x(tick))} y={height - 8} textAnchor="middle">
                {formatMetric(tick, metric.digits)}
              </text>
            </g>
          ))}
          {layout.rows.map((row, i) => {
            const middle = i * ROW + ROW / 2;
            return (
              <g key={sources[i]?.id ?? i}>
                {row.box !== null && (
                  <g className="strip-box">
                    <line
                      x1={percent(layout.x(row.box.min))}
                      x2={percent(layout.x(row.box.max))}
                      y1={middle}
                      y2={middle}
                    />
                    <rect
                      x={percent(layout.x(row.box.q1))}
                      width={percent(layout.x(row.box.q3) - layout.x(row.box.q1))}
                      y={middle - 13}
                      height={26}
                      rx={2}
                    />
                    <line
                      className="strip-median"
                      x1={percent(layout.x(row.box.median))}
                      x2={percent(layout.x(row.box.median))}
                      y1={middle - 15}
                      y2={middle + 15}
                    />
                  </g>
                )}
                {row.dots.map((dot) => (
                  <circle
                    key={dot.index}
                    className={dot.warmup ? "strip-dot warmup" : "strip-dot"}
                    cx={percent(dot.x)}
                    cy={middle + dot.y * 11}
                    r={3.6}
                  >
                    <title>
                      {`${dot.warmup ? "Warm-up" : "Repetition"} ${dot.index}: ${formatMetric(dot.value, metric.digits)} ${metric.unit}`}
                    </title>
                  </circle>
                ))}
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption className="quiet">
        {metric.label}, {metric.unit}, {metric.better} is better. Filled: measured; hollow: warm-up,
        never part of a number. Box: quartiles and median of the measured ones.
      </figcaption>
    </figure>
  );
}
