import type { MatrixCell } from "@benchfarm/contracts";
import { useLayoutEffect, useRef, useState } from "react";
import { formatCount, formatInterval, formatMetric } from "../format/format-number.js";
import { placeTooltip, type Box } from "./cell-tooltip-place.js";
import { failureOf, isWide, type MatrixMetric } from "./describe-cell.js";

export interface TooltipAnchor {
  /** The cell's box in viewport pixels. */
  box: Box;
  cell: MatrixCell;
  /** Row and column, in words. */
  row: string;
  column: string;
}

function What({ cell, metric }: { cell: MatrixCell; metric: MatrixMetric }) {
  if (cell.status === "failed") {
    const { code, rest } = failureOf(cell.detail);
    return (
      <>
        <p className="tip-value bad">{code ?? "failed"}</p>
        {rest !== "" && <p>{rest}</p>}
      </>
    );
  }
  const words: Record<Exclude<MatrixCell["status"], "failed" | "measured">, string> = {
    held: "Held back",
    several: "Several comparison keys",
    pending: "Pending",
    empty: "Not run",
    not_applicable: "Not applicable",
  };
  const why: Partial<Record<MatrixCell["status"], string>> = {
    several: "Numbers with different comparison keys are never averaged.",
    pending: "Its runs are on their way.",
    empty: "Nothing was asked for here.",
    not_applicable: `${metric.label} does not exist for this workload.`,
  };
  return (
    <>
      <p className="tip-value">
        {cell.status === "measured" ? (
          <>
            {formatMetric(cell.value, metric.digits)} <small>{metric.unit}</small>
          </>
        ) : (
          words[cell.status]
        )}
      </p>
      {cell.status === "held" && cell.value !== null && (
        <p>
          It read {formatMetric(cell.value, metric.digits)} {metric.unit}; a person has to check it.
        </p>
      )}
      {cell.status === "measured" && (
        <p>
          {cell.low === null
            ? "No interval: fewer than 3 values"
            : `95 % interval ${formatInterval(cell.low, cell.high, metric.digits)}${isWide(cell) ? ", wide: noisy" : ""}`}
        </p>
      )}
      {(cell.detail ?? why[cell.status]) !== undefined && <p>{cell.detail ?? why[cell.status]}</p>}
    </>
  );
}

/** What a cell says on hover and focus: value, interval, evidence, key. */
export function CellTooltip({
  anchor,
  metric,
  id,
  onEnter,
  onLeave,
}: {
  anchor: TooltipAnchor;
  metric: MatrixMetric;
  id: string;
  onEnter: () => void;
  onLeave: () => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);
  useLayoutEffect(() => {
    const size = box.current?.getBoundingClientRect();
    if (size === undefined) return;
    setPlace(
      placeTooltip(anchor.box, size, {
        width: document.documentElement.clientWidth,
        height: window.innerHeight,
      }),
    );
  }, [anchor]);
  const { cell } = anchor;
  return (
    <div
      ref={box}
      id={id}
      role="tooltip"
      className="tooltip"
      data-testid="cell-tooltip"
      style={{
        ...(place ?? { left: 0, top: 0 }),
        visibility: place === null ? "hidden" : "visible",
      }}
      onPointerEnter={onEnter}
      onPointerLeave={onLeave}
    >
      <p className="tip-where">
        {anchor.row}
        <br />
        {anchor.column}
      </p>
      <What cell={cell} metric={metric} />
      {cell.resultCount > 0 && (
        <p className="quiet">
          n {cell.n}, {formatCount(cell.resultCount, "result")}
          {cell.backend !== null && `, ran on ${cell.backend}`}
        </p>
      )}
      {(cell.weights === "synthetic" || cell.simulated) && (
        <p className="quiet">
          {[
            ...(cell.weights === "synthetic" ? ["synthetic weights"] : []),
            ...(cell.simulated ? ["simulated device"] : []),
          ].join(", ")}
        </p>
      )}
      {cell.cellKey !== null && (
        <p className="quiet">
          key <code>{cell.cellKey.slice(0, 12)}</code>; Enter or click opens it
        </p>
      )}
    </div>
  );
}
