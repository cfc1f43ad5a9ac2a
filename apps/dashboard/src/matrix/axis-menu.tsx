import { Dimension } from "@benchfarm/contracts";
import { Menu } from "./menu.js";
import {
  DEFAULT_STATE,
  moveDimensionEarlier,
  placeDimension,
  type MatrixState,
} from "./url-state.js";

const AXES = [
  { axis: "rows", label: "Rows" },
  { axis: "columns", label: "Columns" },
  { axis: null, label: "Off" },
] as const;

const isDefault = (state: MatrixState) =>
  state.rows.join() === DEFAULT_STATE.rows.join() &&
  state.columns.join() === DEFAULT_STATE.columns.join();

/** Which dimensions make the rows and which the columns, and in what order. */
export function AxisMenu({
  state,
  onChange,
}: {
  state: MatrixState;
  onChange: (state: MatrixState) => void;
}) {
  const ordered = [
    ...state.rows,
    ...state.columns,
    ...Dimension.options.filter((d) => !state.rows.includes(d) && !state.columns.includes(d)),
  ];
  return (
    <Menu
      active={!isDefault(state)}
      testId="axes"
      label={
        <>
          Rows: <b>{state.rows.join(", ")}</b> · Columns: <b>{state.columns.join(", ")}</b>
        </>
      }
    >
      <table className="axes">
        <tbody>
          {ordered.map((dimension) => {
            const on = state.rows.includes(dimension)
              ? "rows"
              : state.columns.includes(dimension)
                ? "columns"
                : null;
            const isFirst = on === null || state[on][0] === dimension;
            return (
              <tr key={dimension}>
                <th scope="row">{dimension}</th>
                <td>
                  <div
                    className="segments"
                    role="radiogroup"
                    aria-label={`Where ${dimension} goes`}
                  >
                    {AXES.map(({ axis, label }) => (
                      <label key={label}>
                        <input
                          type="radio"
                          name={`axis-${dimension}`}
                          checked={on === axis}
                          disabled={on !== axis && placeDimension(state, dimension, axis) === state}
                          onChange={() => onChange(placeDimension(state, dimension, axis))}
                          data-testid={`axis-${dimension}-${axis ?? "off"}`}
                        />
                        <span>{label}</span>
                      </label>
                    ))}
                  </div>
                </td>
                <td>
                  <button
                    type="button"
                    className="small"
                    disabled={isFirst}
                    aria-label={`Move ${dimension} outwards`}
                    title="Move outwards"
                    onClick={() => onChange(moveDimensionEarlier(state, dimension))}
                  >
                    ↑
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div className="menu-actions">
        <button
          type="button"
          className="small"
          data-testid="axes-swap"
          onClick={() => onChange({ ...state, rows: state.columns, columns: state.rows })}
        >
          Swap rows and columns
        </button>
        {!isDefault(state) && (
          <button
            type="button"
            className="small"
            onClick={() =>
              onChange({ ...state, rows: DEFAULT_STATE.rows, columns: DEFAULT_STATE.columns })
            }
          >
            As at first
          </button>
        )}
      </div>
      <p className="quiet">One to four dimensions on each axis; the first is outermost.</p>
    </Menu>
  );
}
