const NONE = "–";

/** A number with exactly `digits` digits after the point and grouped thousands, as in `1,234.5`; a dash for null. */
export function formatNumber(value: number | null, digits: number): string {
  if (value === null || !Number.isFinite(value)) return NONE;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/**
 * A metric's value as it is read: `digits` after the point, but never fewer than two significant digits (0.42 stays 0.42 where `digits`
 * is 0), because a rounded zero would look like a measured zero.
 */
export function formatMetric(value: number | null, digits: number): string {
  if (value === null || !Number.isFinite(value)) return NONE;
  if (value === 0) return formatNumber(0, digits);
  const needed = Math.max(0, 1 - Math.floor(Math.log10(Math.abs(value))));
  return formatNumber(value, Math.max(digits, Math.min(needed, 6)));
}

/** `median (low – high)` without the unit; the median alone when there is no interval. */
export function formatInterval(low: number | null, high: number | null, digits: number): string {
  if (low === null || high === null) return NONE;
  return `${formatMetric(low, digits)} – ${formatMetric(high, digits)}`;
}

/** A share of 0 to 1 as a percentage: `0.034` is `3 %`, and `0.0034` is `0.3 %`; a dash for null. */
export function formatFraction(fraction: number | null): string {
  if (fraction === null || !Number.isFinite(fraction)) return NONE;
  const percent = fraction * 100;
  return `${formatNumber(percent, percent !== 0 && Math.abs(percent) < 1 ? 1 : 0)} %`;
}

/** Bytes in binary units with three significant digits: `531 MiB`, `1.50 GiB`; a dash for null. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null || !Number.isFinite(bytes)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${formatNumber(value, digits)} ${units[unit]}`;
}

/** A rate in decimal gigabytes per second, as memory bandwidth is sold: `12.3 GB/s`. */
export function formatBandwidth(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? NONE : `${formatNumber(bytesPerSecond / 1e9, 1)} GB/s`;
}

/** A count with its noun: `1 result`, `12 results`. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatNumber(count, 0)} ${count === 1 ? noun : plural}`;
}
