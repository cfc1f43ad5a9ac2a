import {
  formatBytes,
  formatCount,
  formatFraction,
  formatInterval,
  formatMetric,
  formatNumber,
} from "./format-number.js";
import { elapsedMs, formatAgo, formatDuration, formatInstant } from "./format-time.js";

describe("numbers", () => {
  it("keeps the digits of a metric and groups thousands", () => {
    expect(formatNumber(1234.56, 1)).toBe("1,234.6");
    expect(formatMetric(12.34, 1)).toBe("12.3");
    expect(formatMetric(1234, 0)).toBe("1,234");
  });
  it("never rounds a measured number to zero", () => {
    expect(formatMetric(0.42, 0)).toBe("0.42");
    expect(formatMetric(0.0123, 1)).toBe("0.012");
    expect(formatMetric(0, 1)).toBe("0.0");
  });
  it("shows what was not measured as a dash, never as 0", () => {
    expect(formatMetric(null, 1)).toBe("–");
    expect(formatInterval(null, 3, 1)).toBe("–");
    expect(formatFraction(null)).toBe("–");
    expect(formatBytes(null)).toBe("–");
  });
  it("writes shares, bytes, counts", () => {
    expect(formatFraction(0.034)).toBe("3 %");
    expect(formatFraction(0.0034)).toBe("0.3 %");
    expect(formatFraction(0)).toBe("0 %");
    expect(formatBytes(557_000_000)).toBe("531 MiB");
    expect(formatBytes(1.5 * 1024 ** 3)).toBe("1.50 GiB");
    expect(formatBytes(12)).toBe("12 B");
    expect(formatCount(1, "result")).toBe("1 result");
    expect(formatCount(2, "entry", "entries")).toBe("2 entries");
  });
});

describe("times", () => {
  it("writes durations", () => {
    expect([340, 4200, 59_600, 185_000, 7_800_000].map(formatDuration)).toEqual([
      "340 ms",
      "4.2 s",
      "1 min 00 s",
      "3 min 05 s",
      "2 h 10 min",
    ]);
    expect(formatDuration(null)).toBe("–");
  });
  it("writes how long ago", () => {
    const now = Date.parse("2026-11-22T12:00:00.000Z");
    expect(formatAgo("2026-11-22T11:59:48.000Z", now)).toBe("12 s ago");
    expect(formatAgo("2026-11-22T09:00:00.000Z", now)).toBe("3 h ago");
    expect(formatAgo("2026-11-22T12:00:09.000Z", now)).toBe("just now");
    expect(formatAgo(null, now)).toBe("never");
    expect(formatInstant("2026-11-22T12:00:00.000Z")).toBe("2026-11-22 12:00:00 UTC");
    expect(elapsedMs("2026-11-22T12:00:00.000Z", "2026-11-22T12:00:02.500Z")).toBe(2500);
    expect(elapsedMs("2026-11-22T12:00:00.000Z", null)).toBeNull();
  });
});
