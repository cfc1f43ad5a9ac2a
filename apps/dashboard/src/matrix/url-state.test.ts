import { MatrixQuery } from "@benchfarm/contracts";
import {
  activeFilterCount,
  DEFAULT_STATE,
  matrixQuery,
  moveDimensionEarlier,
  placeDimension,
  readMatrixState,
  writeMatrixState,
  type MatrixState,
} from "./url-state.js";

const read = (text: string) => readMatrixState(new URLSearchParams(text));

it("the plain address is the default question", () => {
  expect(read("")).toEqual({ state: DEFAULT_STATE, ignored: [] });
  expect(writeMatrixState(DEFAULT_STATE).toString()).toBe("");
});

it("every state survives the way through the address", () => {
  const state: MatrixState = {
    metric: "prefillTokensPerSecond",
    rows: ["sku"],
    columns: ["model", "quant"],
    filters: { ...DEFAULT_STATE.filters, backend: ["cpu", "metal"], sku: ["sku_1"] },
    weights: "released",
    simulated: true,
    inapplicable: true,
    view: "canvas",
  };
  expect(readMatrixState(writeMatrixState(state))).toEqual({ state, ignored: [] });
  expect(activeFilterCount(state)).toBe(4);
});

it("names what it did not understand instead of asking something else silently", () => {
  const { state, ignored } = read("metric=speed&rows=planet&weights=heavy&view=3d");
  expect(state).toEqual(DEFAULT_STATE);
  expect(ignored.sort()).toEqual(["metric=speed", "rows=planet", "view=3d", "weights=heavy"]);
});

it("never puts a dimension on both axes", () => {
  const moved = read("rows=sku");
  expect(moved.state.rows).toEqual(["sku"]);
  expect(moved.state.columns).toEqual(["engine", "backend", "workload"]);
  const clash = read("rows=sku&columns=sku");
  expect(clash.state.columns).toEqual(["model"]);
  expect(clash.ignored).toHaveLength(1);
  expect(read("rows=sku,sku").ignored).toEqual(["rows=sku,sku"]);
});

it("asks a query that the contract takes", () => {
  const { state } = read("sku=a,b&simulated=true&weights=synthetic");
  const parsed = MatrixQuery.parse(matrixQuery(state));
  expect(parsed.sku).toEqual(["a", "b"]);
  expect(parsed.simulated).toBe(true);
  expect(parsed.rows).toEqual(["model", "quant"]);
  expect(MatrixQuery.parse(matrixQuery(DEFAULT_STATE)).simulated).toBe(false);
});

it("moves dimensions between the axes and keeps each within one to four", () => {
  const withSku = placeDimension(DEFAULT_STATE, "sku", "rows");
  expect([withSku.rows, withSku.columns]).toEqual([
    ["model", "quant", "sku"],
    ["engine", "backend", "workload"],
  ]);
  expect(moveDimensionEarlier(withSku, "sku").rows).toEqual(["model", "sku", "quant"]);
  expect(moveDimensionEarlier(withSku, "model")).toEqual(withSku);
  const one = { ...DEFAULT_STATE, rows: ["model" as const] };
  expect(placeDimension(one, "model", null)).toBe(one);
  expect(placeDimension(DEFAULT_STATE, "quant", "columns")).toBe(DEFAULT_STATE);
  expect(placeDimension(DEFAULT_STATE, "engine", null).columns).toEqual([
    "sku",
    "backend",
    "workload",
  ]);
});
