import type { Conditions } from "@benchfarm/contracts";
import { conditionTable } from "./condition-columns.js";
import { niceTicks, quantile, stripLayout } from "./strip-layout.js";

const conditions = (given: Partial<Conditions>): Conditions => ({
  temperaturesCelsius: null,
  thermalStatus: null,
  loadAverage1m: null,
  cpuBusyFraction: null,
  cpuStealFraction: null,
  cpuFrequenciesMHz: null,
  governor: null,
  memoryAvailableBytes: null,
  swapUsedBytes: null,
  powerSource: null,
  batteryPercent: null,
  ...given,
});

describe("strip plot", () => {
  it("computes quartiles by linear interpolation", () => {
    expect(quantile([1, 2, 3, 4], 0.25)).toBeCloseTo(1.75);
    expect(quantile([1, 2, 3, 4], 0.5)).toBeCloseTo(2.5);
    expect(quantile([7], 0.75)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
  it("keeps warm-ups out of the box but on the axis", () => {
    const layout = stripLayout([
      [
        { value: 1, warmup: true, index: 0 },
        { value: 10, warmup: false, index: 1 },
        { value: 12, warmup: false, index: 2 },
        { value: 11, warmup: false, index: 3 },
      ],
    ]);
    expect(layout?.rows[0]?.box).toMatchObject({ n: 3, min: 10, median: 11, max: 12 });
    expect(layout?.from).toBeLessThan(1);
    expect(layout?.rows[0]?.dots.find((d) => d.warmup)?.x).toBeCloseTo(0.06 / 1.12);
  });
  it("puts equal values on different lanes, and survives a single value or none", () => {
    const layout = stripLayout([
      [3, 3, 3].map((value, index) => ({ value, index, warmup: false })),
    ]);
    expect(new Set(layout?.rows[0]?.dots.map((d) => d.y)).size).toBe(3);
    expect(layout?.x(3)).toBeCloseTo(0.5);
    expect(stripLayout([[]])).toBeNull();
    expect(stripLayout([[{ value: 2, warmup: true, index: 0 }]])?.rows[0]?.box).toBeNull();
  });
  it("ticks at round numbers", () => {
    expect(niceTicks(9.7, 12.4, 5)).toEqual([10, 11, 12]);
    expect(niceTicks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(niceTicks(3, 3, 5)).toEqual([3]);
  });
});

it("tells changed, constant and unreadable conditions apart", () => {
  const table = conditionTable([
    {
      before: conditions({ loadAverage1m: 0.1, governor: "performance", temperaturesCelsius: [] }),
      after: conditions({ loadAverage1m: 1.5, governor: "performance", temperaturesCelsius: [] }),
    },
    {
      before: conditions({ loadAverage1m: 1.5, governor: "performance", temperaturesCelsius: [] }),
      after: null,
    },
  ]);
  expect(table.columns).toEqual([
    { label: "Hottest zone", cells: ["no sensor", "no sensor → –"] },
    { label: "Load, 1 min", cells: ["0.10 → 1.50", "1.50 → –"] },
    { label: "Governor", cells: ["performance", "performance → –"] },
  ]);
  expect(table.unread).toContain("Battery");
  const steady = conditionTable([
    { before: conditions({ powerSource: "mains" }), after: conditions({ powerSource: "mains" }) },
  ]);
  expect(steady.constant).toEqual([{ label: "Power", value: "mains" }]);
});
