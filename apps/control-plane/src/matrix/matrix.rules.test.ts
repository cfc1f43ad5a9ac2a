import { Matrix, METRICS, type Dimension, type MetricId } from "@benchfarm/contracts";
import { metricApplies } from "./applies.rules.js";
import { compareNaturally, labelValues, type CatalogueValue } from "./matrix-values.rules.js";
import { pivot, type MatrixInput, type PlacedCell, type PlacedRuns } from "./matrix.rules.js";
import { toCsv, toMarkdown } from "./render-matrix.js";

const value = (
  dimension: Dimension,
  id: string,
  over: Partial<CatalogueValue> = {},
): CatalogueValue => ({
  dimension,
  id,
  name: id,
  distinctions: [],
  order: [],
  used: true,
  ...over,
});

const VALUES = labelValues([
  value("sku", "laptop", { name: "Laptop" }),
  value("sku", "board", { name: "Board" }),
  value("model", "m2", { name: "Qwen 2B", order: ["qwen", 2e9] }),
  value("model", "m14", { name: "Qwen 14B", order: ["qwen", 14e9] }),
  value("model", "m08", { name: "Qwen 0.8B (synthetic)", order: ["qwen", 8e8] }),
  value("quant", "F16", { order: [16] }),
  value("quant", "Q4_0", { order: [4.5] }),
  value("quant", "Q8_0", { order: [8.5] }),
  value("engine", "e1", { name: "llama.cpp b6000" }),
  value("engine", "e2", { name: "llama.cpp b7000" }),
  value("backend", "cpu", { order: [0] }),
  value("backend", "vulkan", { order: [3] }),
  value("workload", "tg32", { order: [1, 0, 32, 0] }),
  value("workload", "pp64", { order: [0, 64, 0, 0] }),
]);

let nextKey = 0;
function cell(
  place: Partial<PlacedCell["place"]> = {},
  over: Partial<PlacedCell> = {},
): PlacedCell {
  nextKey += 1;
  const full = {
    sku: "laptop",
    model: "m2",
    quant: "Q4_0",
    engine: "e1",
    backend: "cpu",
    workload: "tg32",
    ...place,
  };
  return {
    key: String(nextKey).padStart(64, "0"),
    place: full,
    quantId: `${full.model}/${full.quant}`,
    workloadKind: full.workload.startsWith("pp") ? "prefill" : "decode",
    weights: "released",
    simulated: false,
    status: "measured",
    failure: null,
    resultCount: 1,
    contextDigest: "threads2",
    updatedAtMs: nextKey,
    summary: { n: 5, median: 10, low: 9, high: 11 },
    ...over,
  };
}

function runs(place: Partial<PlacedCell["place"]>, over: Partial<PlacedRuns> = {}): PlacedRuns {
  const { place: full, workloadKind, weights, simulated } = cell(place);
  return {
    ...{ place: full, workloadKind, weights, simulated },
    ...{ openCount: 1, ended: null },
    ...over,
  };
}

function input(over: Partial<MatrixInput>): MatrixInput {
  return {
    metric: "decodeTokensPerSecond",
    rows: ["model", "quant"],
    columns: ["sku", "engine", "backend", "workload"],
    cells: [],
    runs: [],
    values: VALUES,
    contexts: new Map([
      ["threads2", { cooling: "as_sold", powerProfile: "mains", threads: "2" }],
      ["threads4", { cooling: "as_sold", powerProfile: "mains", threads: "4" }],
    ]),
    ...over,
  };
}

const matrixOf = (over: Partial<MatrixInput>) => Matrix.parse(pivot(input(over)));
const only = (matrix: Matrix) => {
  expect([matrix.rows.length, matrix.columns.length]).toEqual([1, 1]);
  return matrix.cells[0]?.[0];
};

test("one measured cell is its number with interval, count, key and origin", () => {
  const one = cell();
  expect(only(matrixOf({ cells: [one] }))).toEqual({
    status: "measured",
    value: 10,
    low: 9,
    high: 11,
    n: 5,
    resultCount: 1,
    cellKey: one.key,
    backend: "cpu",
    weights: "released",
    simulated: false,
    detail: null,
  });
});

test("rows are in the order of family, size and bits per weight, not of the alphabet", () => {
  const cells = ["m14", "m2", "m08"].flatMap((model) =>
    ["F16", "Q8_0", "Q4_0"].map((quant) => cell({ model, quant })),
  );
  const matrix = matrixOf({ cells });
  expect(matrix.rows.map((head) => head.label)).toEqual([
    "Qwen 0.8B (synthetic) · Q4_0",
    "Qwen 0.8B (synthetic) · Q8_0",
    "Qwen 0.8B (synthetic) · F16",
    "Qwen 2B · Q4_0",
    "Qwen 2B · Q8_0",
    "Qwen 2B · F16",
    "Qwen 14B · Q4_0",
    "Qwen 14B · Q8_0",
    "Qwen 14B · F16",
  ]);
  expect(["pp512", "pp64", "tg128@d4096", "tg128"].sort(compareNaturally)).toEqual([
    "pp64",
    "pp512",
    "tg128",
    "tg128@d4096",
  ]);
});

test("the same quant of two models is one column, and places nobody asked for are empty with a reason", () => {
  const matrix = matrixOf({
    rows: ["model"],
    columns: ["quant"],
    cells: [cell({ model: "m2", quant: "Q4_0" }), cell({ model: "m14", quant: "Q8_0" })],
  });
  expect(matrix.columns.map((head) => head.label)).toEqual(["Q4_0", "Q8_0"]);
  expect(matrix.cells.map((row) => row.map((c) => c.status))).toEqual([
    ["measured", "empty"],
    ["empty", "measured"],
  ]);
  expect(matrix.cells[0]?.[1]?.detail).toBe("nobody has asked for this yet");
});

test("columns for which the metric does not exist are left out, for the other metric the others", () => {
  const cells = [cell({ workload: "tg32" }), cell({ workload: "pp64" }, { summary: null })];
  const labels = (metric: MetricId) =>
    matrixOf({ cells, metric }).columns.map((head) => head.values.at(-1)?.label);
  expect(labels("decodeTokensPerSecond")).toEqual(["tg32"]);
  const prefill = [
    cell({ workload: "tg32" }, { summary: null }),
    cell({ workload: "pp64" }),
    cell({ workload: "pp64", sku: "board" }, { status: "failed", summary: null }),
  ];
  expect(
    matrixOf({ cells: prefill, metric: "prefillMs" }).columns.map((head) => head.label),
  ).toEqual(["Board · llama.cpp b6000 · cpu · pp64", "Laptop · llama.cpp b6000 · cpu · pp64"]);
});

test("without the workload as a dimension, only cells that can have the metric count", () => {
  const cells = [cell({ workload: "tg32" }), cell({ workload: "pp64" })];
  const place = only(matrixOf({ cells, columns: ["sku"] }));
  expect(place).toMatchObject({ status: "measured", value: 10 });
});

test("measured, but without this metric, is not applicable and says why", () => {
  const cells = [cell({ quant: "Q8_0" }), cell({ quant: "Q4_0" }, { summary: null })];
  const matrix = matrixOf({ cells, metric: "peakMemoryMiB", rows: ["quant"], columns: ["sku"] });
  // The row of Q4_0 has nothing to tell.
  expect(matrix.rows.map((head) => head.label)).toEqual(["Q8_0"]);
});

test("numbers of different comparison keys are never averaged: the place names what to add", () => {
  const skus = [cell({ sku: "laptop" }), cell({ sku: "board", engine: "e2" })];
  expect(only(matrixOf({ cells: skus, columns: ["backend"] }))).toMatchObject({
    status: "several",
    value: null,
    n: 0,
    cellKey: null,
    detail:
      "2 comparison keys fall here: add sku or engine to the rows or columns, or filter by it",
  });
  const threads = [cell(), cell({}, { contextDigest: "threads4" })];
  expect(only(matrixOf({ cells: threads }))?.detail).toBe(
    "2 comparison keys fall here; they differ in threads (2, 4); see GET /v1/cells",
  );
  const files = [cell(), cell({}, { quantId: "another file" })];
  expect(only(matrixOf({ cells: files }))?.detail).toContain("2 files have this model and quant");
});

test("a number goes before a failure beside it, which is told; the newest failure goes before runs", () => {
  const failure = { code: "unsupported", message: "no such backend" };
  const failed = (over: Partial<PlacedCell> = {}) =>
    cell({ backend: "vulkan" }, { status: "failed", summary: null, failure, ...over });
  const rest = { columns: ["sku"] as Dimension[], runs: [runs({})] };
  expect(only(matrixOf({ ...rest, cells: [failed(), cell()] }))).toMatchObject({
    status: "measured",
    value: 10,
    backend: "cpu",
    detail: "also here: vulkan unsupported",
  });
  const newest = failed({
    failure: { code: "out_of_memory", message: "killed" },
    updatedAtMs: 1e9,
  });
  expect(only(matrixOf({ ...rest, cells: [newest, failed()] }))).toMatchObject({
    status: "failed",
    value: null,
    cellKey: newest.key,
    detail: "out_of_memory: killed",
  });
});

test("a held number is not shown", () => {
  const held = cell({}, { status: "held", summary: null });
  expect(only(matrixOf({ cells: [held] }))).toMatchObject({
    status: "held",
    value: null,
    cellKey: held.key,
  });
});

test("runs on their way are pending, runs that ended without a result say why", () => {
  expect(only(matrixOf({ runs: [runs({}, { openCount: 3 })] }))).toMatchObject({
    status: "pending",
    detail: "3 runs are on their way",
    backend: "cpu",
  });
  const ended = { outcome: "no_capacity", reason: "no device has it" };
  expect(only(matrixOf({ runs: [runs({}, { openCount: 0, ended })] }))).toMatchObject({
    status: "failed",
    detail: "no_capacity: no device has it",
  });
  const prefill = matrixOf({ cells: [cell()], runs: [runs({ workload: "pp64" })] });
  expect(prefill.columns).toHaveLength(1);
});

test("the comparison says what all numbers share and what varies", () => {
  const cells = [
    cell(),
    cell({ quant: "Q8_0" }, { contextDigest: "threads4" }),
    cell({ sku: "board" }, { status: "failed", summary: null }),
  ];
  const { same, varies } = matrixOf({ cells }).comparison;
  expect(same).toMatchObject({ sku: "Laptop", model: "Qwen 2B", cooling: "as_sold" });
  expect(varies).toEqual(["quant", "threads"]);
});

test("equal names are told apart by as little as it takes", () => {
  const engines = [
    value("engine", "a", { name: "x 1", distinctions: ["core", "(aaa)"] }),
    value("engine", "b", { name: "x 1", distinctions: ["core", "(bbb)"] }),
    value("engine", "c", { name: "x 2", distinctions: ["core", "(ccc)"] }),
  ];
  const labels = [...labelValues(engines).engine.values()].map((v) => v.label);
  expect(labels).toEqual(["x 1 core (aaa)", "x 1 core (bbb)", "x 2"]);
});

test("an empty farm is an empty matrix", () => {
  expect(matrixOf({})).toMatchObject({ rows: [], columns: [], cells: [], updatedAt: null });
  expect(toMarkdown(matrixOf({}))).toContain("Nothing has been measured yet");
});

test("every metric exists for some kind of workload, and only where its counters do", () => {
  const kinds = ["prefill", "decode", "end_to_end"] as const;
  const table = Object.fromEntries(
    (Object.keys(METRICS) as MetricId[]).map((metric) => [
      metric,
      kinds.filter((kind) => metricApplies(metric, kind)),
    ]),
  );
  expect(table).toMatchObject({
    prefillTokensPerSecond: ["prefill", "end_to_end"],
    prefillMs: ["prefill", "end_to_end"],
    decodeTokensPerSecond: ["decode", "end_to_end"],
    timePerOutputTokenMs: ["decode", "end_to_end"],
    decodeRooflinePercent: ["decode", "end_to_end"],
    loadMs: kinds,
    peakMemoryMiB: kinds,
  });
});

const HOSTILE = labelValues([
  ...["=1+1", "+cmd", "-x", "@a", "a,b", 'q"q', "line\nbreak", "pi|pe"].map((name) =>
    value("sku", name),
  ),
]);
const hostile = () => {
  const cells = [...HOSTILE.sku.keys()].map((sku) => cell({ sku }));
  return matrixOf({ cells, values: HOSTILE, rows: ["sku"], columns: ["workload"] });
};

test("CSV has one line per place, its header, and no text that a spreadsheet would run", () => {
  const csv = toCsv(hostile());
  expect(csv.split("\r\n")[0]).toBe(
    "sku,workload,metric,unit,status,value,low,high,n,results,backend_effective,weights,simulated,cell,detail",
  );
  expect(csv).toContain(
    "'=1+1,tg32,decodeTokensPerSecond,tok/s,measured,10,9,11,5,1,cpu,released,false,",
  );
  for (const start of ["=", "+", "-", "@"]) {
    expect(csv.split("\r\n").some((line) => line.startsWith(start))).toBe(false);
  }
  expect(csv).toContain('"a,b"');
  expect(csv).toContain('"q""q"');
  expect(csv).toContain('"line\nbreak"');
});

test("a Markdown table keeps its columns whatever names hold", () => {
  const lines = toMarkdown(hostile()).split("\n");
  const table = lines.filter((line) => line.startsWith("|"));
  expect(table).toHaveLength(10);
  expect(new Set(table.map((line) => line.replaceAll("\\|", "").split("|").length))).toEqual(
    new Set([4]),
  );
  expect(lines.join("\n")).toContain("| pi\\|pe | 10.0 (9.0–11.0) |");
  expect(lines.join("\n")).toContain("| line break |");
});
