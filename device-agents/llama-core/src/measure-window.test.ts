import { costBetween, parseRunDelay, parseSteal, readCounters } from "./measure-window.js";

test("the run delay is the second field of schedstat", () => {
  expect(parseRunDelay("1590024188 2439757276 432\n")).toBe(2_439_757_276);
  expect(parseRunDelay(null)).toBeNull();
  expect(parseRunDelay("garbage")).toBeNull();
});

test("steal is the eighth number of the cpu line", () => {
  const stat =
    "cpu  10132153 290696 3084719 46828483 16683 0 25195 175628 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
  expect(parseSteal(stat)).toBe(175_628);
  expect(parseSteal("cpu  1 2 3")).toBeNull();
  expect(parseSteal(null)).toBeNull();
});

test("a counter that either end lacks is null, never 0", () => {
  expect(
    costBetween(
      { cpuMicros: 1000, runDelayNs: 5, stealTicks: null },
      { cpuMicros: 3500, runDelayNs: 25, stealTicks: 2 },
    ),
  ).toEqual({ cpuNs: 2_500_000, runDelayNs: 20, stealNs: null });
  expect(
    costBetween(
      { cpuMicros: 0, runDelayNs: null, stealTicks: 3 },
      { cpuMicros: 0, runDelayNs: null, stealTicks: 5 },
    ),
  ).toEqual({ cpuNs: 0, runDelayNs: null, stealNs: 20_000_000 });
});

test("CPU time of work done here is seen, whoever else runs", () => {
  const before = readCounters();
  const { user, system } = process.cpuUsage();
  const spent = (): number => {
    const now = process.cpuUsage();
    return now.user + now.system - user - system;
  };
  while (spent() < 20_000);
  expect(costBetween(before, readCounters()).cpuNs).toBeGreaterThanOrEqual(20_000_000);
});
