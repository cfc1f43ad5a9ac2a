import type { Dimension, Matrix, MatrixCell } from "@benchfarm/contracts";
import { memo } from "react";
import { Link } from "react-router";
import { rampColors, type RampTheme } from "./color-ramp.js";
import { cellWords, isWide } from "./describe-cell.js";
import type { HeadLayout } from "./head-layout.js";
import { rowHeadStyle } from "./row-head-width.js";
import type { MatrixScale } from "./scale-groups.js";

/** What every row of a grid is drawn from. */
export interface RowContext {
  matrix: Matrix;
  scale: MatrixScale;
  theme: RampTheme;
  used: readonly Dimension[];
  rowLayout: HeadLayout;
  stacked: boolean;
  withUnit: boolean;
}

/** Lets a long code break after its underscores. */
function Breakable({ text }: { text: string }) {
  return text.split("_").map((part, i, all) => (
    <span key={i}>
      {part}
      {i < all.length - 1 && (
        <>
          _<wbr />
        </>
      )}
    </span>
  ));
}

function Marks({ cell }: { cell: MatrixCell }) {
  const shown = cell.status === "measured" || cell.status === "held" || cell.status === "failed";
  if (!shown) return null;
  return (
    <>
      {isWide(cell) && <span className="mark">±</span>}
      {cell.weights === "synthetic" && <span className="mark">syn</span>}
      {cell.simulated && <span className="mark">sim</span>}
    </>
  );
}

/** One row of the grid. It redraws only when its data or its place in the keyboard's order changes. */
export const MatrixRow = memo(function MatrixRow({
  r,
  focusedColumn,
  tooltipId,
  first,
  context,
}: {
  r: number;
  focusedColumn: number | null;
  tooltipId: string | undefined;
  /** First row of its page: row heads that began before it start anew. */
  first: boolean;
  context: RowContext;
}) {
  const { matrix, scale, theme, used, rowLayout, stacked, withUnit } = context;
  const cells = matrix.cells[r] ?? [];
  return (
    <tr aria-rowindex={r + 1}>
      {stacked ? (
        <th scope="row" className="row-head" style={{ left: 0 }}>
          {rowLayout.levels.map((level, i) => {
            const span = level.find((s) => r >= s.start && r < s.start + s.span);
            const last = i === rowLayout.levels.length - 1;
            return (
              <span key={i} className={last ? "head-last" : "head-outer"}>
                {span?.label}
              </span>
            );
          })}
        </th>
      ) : (
        rowLayout.levels.map((level, i) => {
          const span = level.find((s) => r >= s.start && r < s.start + s.span);
          if (span === undefined || (span.start !== r && !first)) return null;
          return (
            <th
              key={i}
              scope={span.span > 1 ? "rowgroup" : "row"}
              rowSpan={span.start + span.span - r}
              className={`row-head level-${i}${span.start + span.span === matrix.rows.length ? " ends" : ""}`}
              style={rowHeadStyle(i)}
            >
              {span.label}
            </th>
          );
        })
      )}
      {cells.map((cell, c) => {
        const words = cellWords(cell, matrix.metric, used);
        const measured = cell.status === "measured" && cell.value !== null;
        const colors = measured ? rampColors(theme, scale.position(r, c, cell.value ?? 0)) : null;
        const body = (
          <>
            {measured ? (
              <span className="value">
                {words.text}
                {withUnit && <span className="unit"> {matrix.metric.unit}</span>}
              </span>
            ) : (
              <span className="word">
                <Breakable text={words.text} />
              </span>
            )}
            <Marks cell={cell} />
          </>
        );
        return (
          <td
            key={matrix.columns[c]?.key ?? c}
            role="gridcell"
            tabIndex={focusedColumn === c ? 0 : -1}
            aria-label={words.sentence}
            aria-describedby={
              tooltipId !== undefined && focusedColumn === c ? tooltipId : undefined
            }
            className={`cell ${cell.status}`}
            style={
              colors === null
                ? undefined
                : { backgroundColor: colors.background, color: colors.text }
            }
            data-testid="matrix-cell"
            data-r={r}
            data-c={c}
            data-status={cell.status}
            data-row={matrix.rows[r]?.label}
            data-column={matrix.columns[c]?.label}
            data-value={cell.value ?? undefined}
            data-key={cell.cellKey ?? undefined}
          >
            {cell.cellKey === null ? (
              <span className="cell-body">{body}</span>
            ) : (
              <Link to={`/cells/${cell.cellKey}`} tabIndex={-1} className="cell-body">
                {body}
              </Link>
            )}
          </td>
        );
      })}
    </tr>
  );
});
