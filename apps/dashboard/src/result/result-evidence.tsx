import type { EffectiveSettings, ResultDetail } from "@benchfarm/contracts";
import { Link } from "react-router";
import { Badge, StateBadge } from "../design/badge.js";
import { CopyButton } from "../design/copy-button.js";
import { Facts, ShortId } from "../design/facts.js";
import { formatInstant } from "../format/format-time.js";
import { shellLine } from "./shell-line.js";
import { fieldWords } from "../matrix/field-words.js";

/** Settings as the engine used them, as rows of facts. */
export function settingsFacts(settings: EffectiveSettings): [string, string | null][] {
  return Object.entries(settings).map(([field, value]) => [
    fieldWords(field),
    value === null ? null : String(value),
  ]);
}

/** Where one result comes from and why it may be believed: validity, engine, backend asked for and used, command, raw output. */
export function ResultEvidence({ result }: { result: ResultDetail }) {
  const { engine } = result;
  const mismatch =
    result.effectiveBackend !== null && result.effectiveBackend !== result.requestedBackend;
  return (
    <>
      <Facts
        facts={[
          [
            "Validity",
            <>
              <StateBadge word={result.validity} />
              {!result.canonical && <Badge tone="quiet">not the one that counts for its run</Badge>}
              {result.fenced && (
                <Badge tone="warn">arrived after its lease was lost; kept as evidence</Badge>
              )}
              {result.validityReasons.length > 0 && (
                <ul className="plain">
                  {result.validityReasons.map((reason) => (
                    <li key={reason}>{reason.replaceAll("_", " ")}</li>
                  ))}
                </ul>
              )}
            </>,
          ],
          ...(result.failure === null
            ? []
            : ([
                [
                  "Failure",
                  <>
                    <code>{result.failure.code}</code> {result.failure.message}
                    {result.failure.exitCode !== null && ` (exit code ${result.failure.exitCode})`}
                    {result.failure.signal !== null && ` (signal ${result.failure.signal})`}
                  </>,
                ],
              ] as [string, React.ReactNode][])),
          [
            "Backend",
            <span key="backends" data-testid="backends">
              asked for <b>{result.requestedBackend}</b>, ran on{" "}
              <b>{result.effectiveBackend ?? "not known"}</b>{" "}
              {mismatch && <Badge tone="bad">mismatch</Badge>}
            </span>,
          ],
          [
            "Engine",
            engine === null ? null : (
              <>
                {engine.name} {engine.version} <span className="quiet">({engine.program})</span>,
                build <ShortId id={engine.build} />
              </>
            ),
          ],
          ["Agent", result.agentVersion],
          [
            "Device",
            <Link key="device" to={`/devices/${result.deviceId}`}>
              <ShortId id={result.deviceId} length={16} />
            </Link>,
          ],
          [
            "Run",
            <Link key="run" to={`/runs/${result.runId}`}>
              <ShortId id={result.runId} length={16} />
            </Link>,
          ],
          ["Recorded", formatInstant(result.createdAt)],
        ]}
      />
      {result.backendEvidence.length > 0 && (
        <>
          <h4>What the engine said of its backend</h4>
          <pre className="lines">{result.backendEvidence.join("\n")}</pre>
        </>
      )}
      {result.command !== null && (
        <>
          <h4>
            Command of one repetition{" "}
            <CopyButton text={shellLine(result.command)} what="the command" />
          </h4>
          <pre className="lines">{shellLine(result.command)}</pre>
        </>
      )}
      <details className="raw" data-testid="raw-output">
        <summary>Raw output of the engine</summary>
        {result.rawOutput === null || result.rawOutput === "" ? (
          <p className="quiet">The engine printed nothing, or nothing was kept.</p>
        ) : (
          <pre className="lines tall" tabIndex={0}>
            {result.rawOutput}
          </pre>
        )}
      </details>
    </>
  );
}
