import {
  dimensionToAdd,
  cellWords,
  failureOf,
  countStatuses,
  reasonsOf,
  isWide,
} from "./describe-cell.js";
import { moveInGrid, PAGE_ROWS } from "./grid-navigation.js";
import { headLayout, headTitles, shortTitle } from "./head-layout.js";
import { aCell, aHead, aMatrix } from "./matrix.fixture.js";

const metric = aMatrix([], [], []).metric;

describe("cell words", () => {
  it("says value, interval and evidence of a measured cell", () => {
    const words = cellWords(
      aCell({
        status: "measured",
        value: 41.26,
        low: 40.9,
        high: 41.7,
        n: 10,
        resultCount: 2,
        weights: "synthetic",
      }),
      metric,
      [],
    );
    expect(words.text).toBe("41.3");
    expect(words.sentence).toBe(
      "41.3 tok/s, 95 % interval 40.9 – 41.7, n 10, 2 results, synthetic weights.",
    );
  });
  it("shows a failure by its code, never as a number", () => {
    const words = cellWords(
      aCell({ status: "failed", detail: "out_of_memory: the model needs 9 GiB" }),
      metric,
      [],
    );
    expect(words).toEqual({
      text: "out_of_memory",
      sentence: "Failed: out_of_memory: the model needs 9 GiB",
    });
    expect(failureOf("engine_crashed")).toEqual({ code: "engine_crashed", rest: "" });
    expect(failureOf("no_capacity: no device has it").code).toBe("no_capacity");
    expect(failureOf("it broke")).toEqual({ code: null, rest: "it broke" });
    expect(failureOf(null)).toEqual({ code: null, rest: "" });
  });
  it("names the dimension to add where several keys fall together", () => {
    const detail =
      "2 comparison keys fall here: add sku or engine to the rows or columns, or filter by it";
    expect(dimensionToAdd(detail, [])).toBe("sku");
    expect(dimensionToAdd(detail, ["sku", "model"])).toBe("engine");
    expect(cellWords(aCell({ status: "several", detail }), metric, ["sku"]).text).toBe("+ engine");
  });
  it("names none where adding one would not help", () => {
    for (const detail of [
      "2 comparison keys fall here; they differ in threads (2, 4); see GET /v1/cells",
      "2 comparison keys fall here: 2 files have this model and quant name; filter with quant=<id>",
      null,
    ]) {
      expect(dimensionToAdd(detail, ["sku"])).toBeNull();
      expect(cellWords(aCell({ status: "several", detail }), metric, []).text).toBe("several");
    }
  });
  it("has words for every status", () => {
    const statuses = [
      "measured",
      "failed",
      "held",
      "several",
      "pending",
      "empty",
      "not_applicable",
    ] as const;
    for (const status of statuses) {
      const words = cellWords(aCell({ status }), metric, []);
      expect(words.text).not.toBe("");
      expect(words.sentence.length).toBeGreaterThan(12);
    }
    expect(cellWords(aCell({ status: "held", value: 9000 }), metric, []).text).toBe("held");
  });
  it("marks a number whose interval is wide against it", () => {
    const value = { status: "measured", value: 100 } as const;
    expect(isWide(aCell({ ...value, low: 95, high: 106 }))).toBe(false);
    expect(isWide(aCell({ ...value, low: 80, high: 106 }))).toBe(true);
    expect(isWide(aCell({ ...value, low: null, high: null }))).toBe(false);
    expect(isWide(aCell({ status: "failed", low: 1, high: 99 }))).toBe(false);
  });
  it("collects why cells are empty or failed", () => {
    const heads = ["A", "B", "C"].map((sku) => aHead({ sku }));
    const matrix = aMatrix([aHead({ quant: "Q" })], heads, [
      [
        aCell({ detail: "no device offers vulkan" }),
        aCell({ status: "failed", detail: "timed_out: 600 s" }),
        aCell({ status: "failed", detail: "timed_out: 90 s" }),
      ],
    ]);
    expect(reasonsOf(matrix, "failed")).toEqual([{ reason: "timed_out", count: 2 }]);
    expect(reasonsOf(matrix, "empty")).toEqual([{ reason: "no device offers vulkan", count: 1 }]);
  });
  it("counts statuses", () => {
    const heads = [aHead({ sku: "A" }), aHead({ sku: "B" })];
    expect(
      countStatuses(aMatrix([aHead({ quant: "Q" })], heads, [[aCell({ value: 1 }), aCell()]])),
    ).toEqual({ measured: 1, empty: 1 });
  });
});

describe("heads", () => {
  const heads = [
    aHead({ sku: "A", engine: "llama.cpp", workload: "pp512" }),
    aHead({ sku: "A", engine: "llama.cpp", workload: "tg128" }),
    aHead({ sku: "B", engine: "llama.cpp", workload: "tg128" }),
  ];
  it("says constant dimensions once and merges equal neighbours", () => {
    const layout = headLayout(heads, ["sku", "engine", "workload"]);
    expect(layout.constant).toEqual([{ dimension: "engine", label: "llama.cpp" }]);
    expect(layout.levels.map((level) => level.map((s) => [s.label, s.start, s.span]))).toEqual([
      [
        ["A", 0, 2],
        ["B", 2, 1],
      ],
      // tg128 of A and tg128 of B stay apart: their outer heads differ.
      [
        ["pp512", 0, 1],
        ["tg128", 1, 1],
        ["tg128", 2, 1],
      ],
    ]);
    expect(headTitles(layout, 3)).toEqual(["A · pp512", "A · tg128", "B · tg128"]);
  });
  it("shortens the outermost part of a title first", () => {
    expect(shortTitle("Snapdragon X Elite laptop · vulkan · tg128", 30)).toBe(
      "Snapdragon X… · vulkan · tg128",
    );
    expect(shortTitle("Pi 5 · cpu", 30)).toBe("Pi 5 · cpu");
    expect(shortTitle("a name without parts", 10)).toBe("a name wi…");
  });
  it("keeps a head when everything is constant, and copes with none", () => {
    const layout = headLayout([heads[0]!], ["sku", "engine", "workload"]);
    expect(layout.levels.map((level) => level.map((s) => s.label))).toEqual([["pp512"]]);
    expect(headLayout([], ["sku"])).toEqual({ constant: [], levels: [] });
  });
});

describe("grid navigation", () => {
  const move = (key: string, ctrlKey = false, row = 1, column = 1) =>
    moveInGrid({ row, column }, { key, ctrlKey }, 30, 4);
  it("moves by arrows and stops at the edges", () => {
    expect(move("ArrowDown")).toEqual({ row: 2, column: 1 });
    expect(move("ArrowUp", false, 0)).toEqual({ row: 0, column: 1 });
    expect(move("ArrowRight", false, 1, 3)).toEqual({ row: 1, column: 3 });
    expect(move("ArrowLeft")).toEqual({ row: 1, column: 0 });
  });
  it("jumps with Home, End and pages", () => {
    expect(move("Home")).toEqual({ row: 1, column: 0 });
    expect(move("End")).toEqual({ row: 1, column: 3 });
    expect(move("Home", true)).toEqual({ row: 0, column: 0 });
    expect(move("End", true)).toEqual({ row: 29, column: 3 });
    expect(move("PageDown")).toEqual({ row: 1 + PAGE_ROWS, column: 1 });
    expect(move("PageDown", false, 25)).toEqual({ row: 29, column: 1 });
  });
  it("leaves other keys alone", () => {
    expect(move("a")).toBeNull();
    expect(
      moveInGrid({ row: 0, column: 0 }, { key: "ArrowDown", ctrlKey: false }, 0, 0),
    ).toBeNull();
  });
});
