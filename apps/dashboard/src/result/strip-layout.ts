/** One repetition's value on the plot. */
export interface StripDot {
  value: number;
  /** 0 (left end of the axis) to 1. */
  x: number;
  /** Offset from the middle of the row, -1 to 1, so that equal values do not hide each other. */
  y: number;
  warmup: boolean;
  index: number;
}

export interface StripBox {
  q1: number;
  median: number;
  q3: number;
  min: number;
  max: number;
  n: number;
}

export interface StripRow {
  dots: StripDot[];
  /** Of the measured repetitions alone; null when there is none. */
  box: StripBox | null;
}

export interface StripLayout {
  from: number;
  to: number;
  ticks: number[];
  rows: StripRow[];
  /** Where a value lies on the axis, 0 to 1. */
  x(value: number): number;
}

/** The quantile `p` (0 to 1) of sorted values by linear interpolation (Hyndman and Fan's type 7). Throws on an empty list. */
export function quantile(sorted: readonly number[], p: number): number {
  const at = (sorted.length - 1) * p;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new RangeError("no values, no quantile");
  return low + (high - low) * (at - Math.floor(at));
}

/** Round tick values (1, 2 or 5 times a power of ten apart) inside `from`..`to`, about `count` of them. */
export function niceTicks(from: number, to: number, count: number): number[] {
  const rough = (to - from) / Math.max(1, count);
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10) * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

const NEAR = 0.012;
const LANES = [0, -0.55, 0.55, -1, 1];

/** Lays out rows of repetitions on one common axis that spans all of them, warm-ups included, with a margin of 6 % on each side. */
export function stripLayout(
  rows: { value: number; warmup: boolean; index: number }[][],
): StripLayout | null {
  const all = rows.flat().map((dot) => dot.value);
  if (all.length === 0) return null;
  const min = all.reduce((a, b) => Math.min(a, b));
  const max = all.reduce((a, b) => Math.max(a, b));
  const margin = max > min ? (max - min) * 0.06 : Math.max(Math.abs(max) * 0.05, 1e-9);
  const [from, to] = [min - margin, max + margin];
  const x = (value: number) => (value - from) / (to - from);
  return {
    from,
    to,
    x,
    ticks: niceTicks(from, to, 5),
    rows: rows.map((row) => {
      const ends: number[] = LANES.map(() => -1);
      const dots = [...row]
        .sort((a, b) => a.value - b.value)
        .map((dot): StripDot => {
          const at = x(dot.value);
          const free = ends.findIndex((end) => at - end >= NEAR);
          const lane = free === -1 ? dot.index % LANES.length : free;
          ends[lane] = at;
          return { ...dot, x: at, y: LANES[lane] ?? 0 };
        });
      const sorted = dots.filter((dot) => !dot.warmup).map((dot) => dot.value);
      const [first, last] = [sorted[0], sorted.at(-1)];
      return {
        dots,
        box:
          first === undefined || last === undefined
            ? null
            : {
                q1: quantile(sorted, 0.25),
                median: quantile(sorted, 0.5),
                q3: quantile(sorted, 0.75),
                min: first,
                max: last,
                n: sorted.length,
              },
      };
    }),
  };
}
