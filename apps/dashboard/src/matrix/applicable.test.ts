import { onlyApplicable } from "./applicable.js";
import { aCell, aHead, aMatrix } from "./matrix.fixture.js";

const na = aCell({ status: "not_applicable" });
const rows = [aHead({ quant: "Q4_0" }), aHead({ quant: "F16" })];
const columns = [aHead({ workload: "pp512" }), aHead({ workload: "tg128" })];

it("leaves out columns in which the metric exists nowhere, and says which workloads they were of", () => {
  const cut = onlyApplicable(
    aMatrix(rows, columns, [
      [na, aCell({ value: 1 })],
      [na, aCell({ status: "pending" })],
    ]),
  );
  expect(cut.matrix.columns.map((head) => head.label)).toEqual(["tg128"]);
  expect(cut.matrix.cells.map((row) => row.map((c) => c.status))).toEqual([
    ["measured"],
    ["pending"],
  ]);
  expect(cut).toMatchObject({ hiddenColumns: 1, hiddenRows: 0, workloads: ["pp512"] });
});

it("leaves a matrix whole that has nothing to hide, or nothing else", () => {
  const mixed = aMatrix(rows, columns, [
    [na, aCell({ value: 1 })],
    [aCell({ value: 2 }), na],
  ]);
  expect(onlyApplicable(mixed).matrix).toBe(mixed);
  const none = aMatrix(rows, columns, [
    [na, na],
    [na, na],
  ]);
  expect(onlyApplicable(none)).toMatchObject({ matrix: none, hiddenColumns: 0 });
});
