import { formatBar, formatBytes, formatDuration } from "./format.js";

test("durations and sizes are in the unit people would use", () => {
  expect([850, 12_300, 185_000, 7_800_000].map(formatDuration)).toEqual([
    "850 ms",
    "12 s",
    "3 min 05 s",
    "2 h 10 min",
  ]);
  expect([512, 1536, 765_460_480, 1_503_238_554].map(formatBytes)).toEqual([
    "512 B",
    "1.5 KiB",
    "730 MiB",
    "1.4 GiB",
  ]);
});

test("a bar never leaves its width", () => {
  for (const fraction of [-1, 0, 0.5, 1, 2]) expect(formatBar(fraction, 10)).toHaveLength(10);
});
