import {
  metricDefinition,
  type MetricId,
  type ResultDetail,
  type Sample,
} from "@benchfarm/contracts";
import { ShortId } from "../design/facts.js";
import { formatMetric, formatNumber } from "../format/format-number.js";
import { formatDuration } from "../format/format-time.js";
import { conditionTable } from "./condition-columns.js";

/**
 * A metric of one repetition, or null when its counters do not tell. A share of the roofline needs the device's bandwidth, which only
 * the server has beside the samples; it stays null here.
 */
export function sampleMetric(metric: MetricId, sample: Sample): number | null {
  return metricDefinition(metric).fromSample({
    ...sample,
    decodeBytesPerToken: null,
    memoryBandwidthBytesPerSecond: null,
  });
}

/** Every repetition of one result: its value, its wait for quiet, and the machine before and after it. */
export function Repetitions({ result, metric }: { result: ResultDetail; metric: MetricId }) {
  const { label, unit, digits } = metricDefinition(metric);
  const { columns, constant, unread } = conditionTable(result.samples);
  if (result.samples.length === 0) return <p className="quiet">No repetition was recorded.</p>;
  return (
    <>
      <div className="table-box" tabIndex={0} role="region" aria-label="Repetitions">
        <table className="data" data-testid="repetitions">
          <caption className="visually-hidden">
            Repetitions of result <ShortId id={result.id} />
          </caption>
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col" className="number">
                {label}, {unit}
              </th>
              <th scope="col" className="number">
                Tokens
              </th>
              <th scope="col" className="number">
                Waited for quiet
              </th>
              {columns.map((column) => (
                <th key={column.label} scope="col">
                  {column.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {result.samples.map((sample, i) => (
              <tr key={sample.index} className={sample.warmup ? "warmup" : undefined}>
                <th scope="row">
                  {sample.index}
                  {sample.warmup && <span className="quiet"> warm-up</span>}
                </th>
                <td className="number">{formatMetric(sampleMetric(metric, sample), digits)}</td>
                <td className="number">
                  {[
                    ...(sample.promptTokens > 0
                      ? [`${formatNumber(sample.promptTokens, 0)} in`]
                      : []),
                    ...(sample.generatedTokens > 0
                      ? [`${formatNumber(sample.generatedTokens, 0)} out`]
                      : []),
                  ].join(", ")}
                </td>
                <td className="number">{formatDuration(sample.gateMs)}</td>
                {columns.map((column) => (
                  <td key={column.label}>{column.cells[i]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {constant.length > 0 && (
        <p className="quiet">
          The same before and after every repetition:{" "}
          {constant.map((c) => `${c.label.toLowerCase()} ${c.value}`).join(", ")}.
        </p>
      )}
      {unread.length > 0 && (
        <p className="quiet">
          Could not be read on this device: {unread.map((l) => l.toLowerCase()).join(", ")}.
        </p>
      )}
    </>
  );
}
