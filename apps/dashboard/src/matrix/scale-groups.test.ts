import { aCell, aHead, aMatrix } from "./matrix.fixture.js";
import { kindOfWorkloadName, matrixScale, NARROWEST_RATIO } from "./scale-groups.js";

const columns = ["pp512", "pp64", "tg128"].map((workload) => aHead({ sku: "A", workload }));
const rows = [aHead({ quant: "Q4_0" }), aHead({ quant: "F16" })];
const values = (grid: (number | null)[][]) =>
  grid.map((row) => row.map((value) => (value === null ? aCell() : aCell({ value }))));

it("knows the kind of a workload by its name", () => {
  expect(["pp512", "tg128", "pp512+tg128", "tg64@d4096", "custom"].map(kindOfWorkloadName)).toEqual(
    ["prefill", "decode", "end_to_end", "decode", "all"],
  );
});

it("colours prefill and decode columns apart, each over its own range", () => {
  const scale = matrixScale(
    aMatrix(
      rows,
      columns,
      values([
        [800, 400, 20],
        [200, 100, null],
      ]),
    ),
  );
  expect(scale.groups.map((g) => [g.kind, g.workloads, g.min, g.max])).toEqual([
    ["prefill", ["pp512", "pp64"], 100, 800],
    ["decode", ["tg128"], 20, 20],
  ]);
  expect(scale.position(0, 0, 800)).toBeCloseTo(1);
  expect(scale.position(1, 1, 100)).toBeCloseTo(0);
  // Equal ratios are equal steps: 200 to 400 is a third of 100 to 800.
  expect(scale.position(0, 1, 400) - scale.position(1, 0, 200)).toBeCloseTo(1 / 3);
});

it("groups by rows when the workloads are there, and all together when they are nowhere", () => {
  const byRow = matrixScale(
    aMatrix(
      [aHead({ workload: "pp8" }), aHead({ workload: "tg8" })],
      [aHead({ sku: "A" })],
      values([[90], [9]]),
    ),
  );
  expect(byRow.groupAt(1, 0).kind).toBe("decode");
  const none = matrixScale(aMatrix(rows, [aHead({ sku: "A" })], values([[90], [9]])));
  expect(none.groups.map((g) => g.kind)).toEqual(["all"]);
});

it("turns round when lower is better", () => {
  const matrix = aMatrix(rows, [aHead({ sku: "A" })], values([[10], [100]]));
  matrix.metric.better = "lower";
  const scale = matrixScale(matrix);
  expect(scale.position(0, 0, 10)).toBeCloseTo(1);
  expect(scale.position(1, 0, 100)).toBeCloseTo(0);
});

it("does not paint noise: values within a few percent stay near the middle", () => {
  const scale = matrixScale(aMatrix(rows, [aHead({ sku: "A" })], values([[10], [10.2]])));
  const [low, high] = [scale.position(0, 0, 10), scale.position(1, 0, 10.2)];
  expect(high - low).toBeCloseTo(Math.log(1.02) / Math.log(NARROWEST_RATIO));
  expect((high + low) / 2).toBeCloseTo(0.5);
});

it("copes with zeros by equal differences, and with nothing measured", () => {
  const zero = matrixScale(aMatrix(rows, [aHead({ sku: "A" })], values([[0], [50]])));
  expect(zero.groups[0]?.steps).toBe("difference");
  expect(zero.position(1, 0, 25)).toBeCloseTo(0.5);
  expect(
    matrixScale(
      aMatrix(
        rows,
        columns,
        values([
          [null, null, null],
          [null, null, null],
        ]),
      ),
    ).groups,
  ).toEqual([]);
});
