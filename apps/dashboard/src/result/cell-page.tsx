import { metricDefinition, routes, type CellDetail, type MetricId } from "@benchfarm/contracts";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { Badge, StateBadge } from "../design/badge.js";
import { CopyButton } from "../design/copy-button.js";
import { Facts, ShortId } from "../design/facts.js";
import { usePageTitle } from "../design/page-title.js";
import { useFarmQuery } from "../farm/farm-query.js";
import { Loaded } from "../farm/loaded.js";
import {
  formatBytes,
  formatCount,
  formatInterval,
  formatMetric,
  formatNumber,
} from "../format/format-number.js";
import { formatInstant } from "../format/format-time.js";
import { Repetitions, sampleMetric } from "./repetitions.js";
import { ResultEvidence, settingsFacts } from "./result-evidence.js";
import { StripPlot } from "./strip-plot.js";

/** One cell: its numbers with their spread, the conditions they were made under, its key, and how to make them again. */
export function CellPage() {
  const { key = "" } = useParams();
  const query = useFarmQuery(routes.readCell, { params: { key } }, 30_000);
  const cell = query.data;
  usePageTitle(
    cell === undefined ? "Cell" : `${cell.modelName} ${cell.quantName} ${cell.workloadName}`,
  );
  return (
    <div className="page" data-testid="cell-page">
      <p className="crumbs">
        <Link to="/">Matrix</Link> / cell <ShortId id={key} />
      </p>
      <Loaded query={query} lines={12}>
        {(loaded) => <CellContent cell={loaded} />}
      </Loaded>
    </div>
  );
}

/** The metric that a workload is mostly asked for, out of those that the cell has. */
function mainMetric(cell: CellDetail): MetricId | null {
  const first: MetricId =
    cell.workload.generatedTokens > 0 ? "decodeTokensPerSecond" : "prefillTokensPerSecond";
  return (cell.metrics.find((m) => m.metric === first) ?? cell.metrics[0])?.metric ?? null;
}

function CellContent({ cell }: { cell: CellDetail }) {
  const [chosen, setChosen] = useState<MetricId | null>(null);
  const metric = chosen ?? mainMetric(cell);
  return (
    <>
      <header className="page-head">
        <h1>
          {cell.modelName} <span className="head-quant">{cell.quantName}</span>{" "}
          <span className="head-workload">{cell.workloadName}</span>
        </h1>
        <p>
          on <b>{cell.skuName}</b>, {cell.engineName}, {cell.backend}{" "}
          {cell.weights === "synthetic" && (
            <Badge
              tone="warn"
              title="Random weights in the model's exact shape: speed compares, text is meaningless"
            >
              synthetic weights
            </Badge>
          )}
          {cell.weights === "released" && <Badge tone="quiet">released weights</Badge>}
          {cell.simulated && <Badge tone="warn">simulated device</Badge>}
        </p>
      </header>

      {cell.failure !== null && (
        <section className="panel problem" data-testid="cell-failure">
          <h2>
            Failed: <code>{cell.failure.code}</code>
          </h2>
          <p>{cell.failure.message}</p>
          <p className="quiet">
            A failed benchmark is a result: it stays visible with its reason, and the evidence is
            below.
          </p>
        </section>
      )}

      {metric !== null && (
        <section className="panel" aria-label="Numbers">
          <h2>Numbers</h2>
          <MetricTable cell={cell} metric={metric} onChoose={setChosen} />
          <StripPlot
            metric={metricDefinition(metric)}
            sources={cell.results.map((result, i) => ({
              id: result.id,
              label: `Result ${i + 1}`,
              dots: result.samples.flatMap((sample) => {
                const value = sampleMetric(metric, sample);
                return value === null
                  ? []
                  : [{ value, warmup: sample.warmup, index: sample.index }];
              }),
            }))}
          />
        </section>
      )}

      <div className="two-columns">
        <section className="panel" aria-label="Comparison key" data-testid="key-fields">
          <h2>Comparison key</h2>
          <p className="quiet">
            Only numbers that agree in all of this are folded together.{" "}
            <CopyButton text={cell.key} what="the key" label="Copy key" />
          </p>
          <Facts
            facts={[
              ["sku", cell.skuName],
              ["cooling", cell.keyFields.cooling],
              ["power profile", cell.keyFields.powerProfile],
              ["simulated", cell.keyFields.simulated ? "yes" : "no"],
              ["model file", <ShortId key="model" id={cell.keyFields.modelSha256} length={16} />],
              ["engine", cell.engineName],
              ["backend", cell.keyFields.backend],
              [
                "workload digest",
                <ShortId key="workload" id={cell.keyFields.workloadDigest} length={16} />,
              ],
              ...settingsFacts(cell.keyFields.settings),
            ]}
          />
        </section>
        <section className="panel" aria-label="What was measured">
          <h2>What was measured</h2>
          <Facts
            facts={[
              ["model", cell.modelName],
              [
                "quant",
                `${cell.quantName}, ${formatNumber(cell.bitsPerWeight, 2)} bits per weight`,
              ],
              ["file", formatBytes(cell.sizeBytes)],
              ["prompt", formatCount(cell.workload.promptTokens, "token")],
              ["generated", formatCount(cell.workload.generatedTokens, "token")],
              ["depth", formatCount(cell.workload.depthTokens, "token")],
              [
                "repetitions",
                `at least ${cell.workload.repetitions}, after ${formatCount(cell.workload.warmupRepetitions, "warm-up")}`,
              ],
              ["profile", cell.workload.profile],
              [
                "evidence",
                `${formatCount(cell.resultCount, "result")}, ${formatCount(cell.sampleCount, "sample")}, ${formatCount(cell.deviceCount, "device")}`,
              ],
              ["last folded", formatInstant(cell.updatedAt)],
            ]}
          />
        </section>
      </div>

      <Reproduce steps={cell.reproduce} />

      {cell.results.map((result, i) => {
        const summary = result.metrics.find((m) => m.metric === metric);
        return (
          <details key={result.id} className="panel fold" open={i === 0} data-testid="cell-result">
            <summary>
              <h2>Result {i + 1}</h2>
              {metric !== null && summary !== undefined && (
                <span>
                  {formatMetric(summary.median, metricDefinition(metric).digits)}{" "}
                  {metricDefinition(metric).unit}
                </span>
              )}
              <StateBadge word={result.failure?.code ?? result.validity} />
              <span className="quiet">{formatInstant(result.createdAt)}</span>
            </summary>
            {result.samples.length > 0 && (
              <>
                <h3>Repetitions and conditions, before → after</h3>
                <Repetitions result={result} metric={metric ?? "decodeTokensPerSecond"} />
              </>
            )}
            <h3>Evidence</h3>
            <ResultEvidence result={result} />
          </details>
        );
      })}
    </>
  );
}

function MetricTable({
  cell,
  metric,
  onChoose,
}: {
  cell: CellDetail;
  metric: MetricId;
  onChoose: (metric: MetricId) => void;
}) {
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label="Metrics">
      <table className="data" data-testid="cell-metrics">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" className="number">
              Median
            </th>
            <th scope="col">Unit</th>
            <th scope="col" className="number">
              95 % interval
            </th>
            <th scope="col" className="number">
              Min – max
            </th>
            <th scope="col" className="number">
              Std. dev.
            </th>
            <th scope="col" className="number">
              n
            </th>
          </tr>
        </thead>
        <tbody>
          {cell.metrics.map((summary) => {
            const definition = metricDefinition(summary.metric);
            return (
              <tr key={summary.metric} className={summary.metric === metric ? "chosen" : undefined}>
                <th scope="row">
                  <label className="choice" title={definition.definition}>
                    <input
                      type="radio"
                      name="cell-metric"
                      checked={summary.metric === metric}
                      onChange={() => onChoose(summary.metric)}
                    />
                    <span>{definition.label}</span>
                  </label>
                </th>
                <td className="number strong">{formatMetric(summary.median, definition.digits)}</td>
                <td>{definition.unit}</td>
                <td className="number">
                  {formatInterval(summary.low, summary.high, definition.digits)}
                </td>
                <td className="number">
                  {formatInterval(summary.min, summary.max, definition.digits)}
                </td>
                <td className="number">{formatMetric(summary.stddev, definition.digits)}</td>
                <td className="number">{summary.n}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Reproduce({ steps }: { steps: CellDetail["reproduce"] }) {
  if (steps.length === 0) return null;
  return (
    <section className="panel" aria-label="How to reproduce it" data-testid="reproduce">
      <h2>
        How to reproduce it{" "}
        <CopyButton
          text={steps.map((s) => `# ${s.step}\n${s.command}`).join("\n")}
          what="all steps"
          label="Copy all"
        />
      </h2>
      <ol className="steps">
        {steps.map(({ step, command }) => (
          <li key={step + command}>
            <span>{step}</span>
            <div className="command">
              <pre className="lines">{command}</pre>
              <CopyButton text={command} what={step} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
