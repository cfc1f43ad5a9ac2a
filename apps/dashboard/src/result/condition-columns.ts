import type { Conditions, Sample } from "@benchfarm/contracts";
import { formatBytes, formatFraction, formatNumber } from "../format/format-number.js";

/** One reading of the machine over all repetitions. */
export interface ConditionColumn {
  label: string;
  /** `before → after` per repetition, or one word where both are the same. */
  cells: string[];
}

export interface ConditionTable {
  /** Readings that changed. */
  columns: ConditionColumn[];
  /** Readings that stayed the same before and after every repetition. */
  constant: { label: string; value: string }[];
  /** Readings that could not be taken at all on this device. */
  unread: string[];
}

const READINGS: { label: string; read: (conditions: Conditions) => string | null }[] = [
  {
    label: "Hottest zone",
    read: ({ temperaturesCelsius: zones }) =>
      zones === null
        ? null
        : zones.length === 0
          ? "no sensor"
          : `${formatNumber(Math.max(...zones.map((zone) => zone.celsius)), 1)} °C`,
  },
  { label: "Thermal status", read: (c) => c.thermalStatus },
  {
    label: "Load, 1 min",
    read: (c) => (c.loadAverage1m === null ? null : formatNumber(c.loadAverage1m, 2)),
  },
  {
    label: "CPU busy",
    read: (c) => (c.cpuBusyFraction === null ? null : formatFraction(c.cpuBusyFraction)),
  },
  {
    label: "CPU stolen",
    read: (c) => (c.cpuStealFraction === null ? null : formatFraction(c.cpuStealFraction)),
  },
  {
    label: "CPU clock",
    read: ({ cpuFrequenciesMHz: clocks }) =>
      clocks === null || clocks.length === 0
        ? null
        : `${formatNumber(clocks.reduce((a, b) => a + b, 0) / clocks.length / 1000, 2)} GHz`,
  },
  { label: "Governor", read: (c) => c.governor },
  {
    label: "Memory free",
    read: (c) => (c.memoryAvailableBytes === null ? null : formatBytes(c.memoryAvailableBytes)),
  },
  {
    label: "Swap used",
    read: (c) => (c.swapUsedBytes === null ? null : formatBytes(c.swapUsedBytes)),
  },
  { label: "Power", read: (c) => c.powerSource },
  {
    label: "Battery",
    read: (c) => (c.batteryPercent === null ? null : `${formatNumber(c.batteryPercent, 0)} %`),
  },
];

/** Sorts the readings of all repetitions into those that changed, those that stayed, and those that could not be taken. */
export function conditionTable(samples: Pick<Sample, "before" | "after">[]): ConditionTable {
  const table: ConditionTable = { columns: [], constant: [], unread: [] };
  for (const { label, read } of READINGS) {
    const pairs = samples.map(({ before, after }) => [
      before === null ? null : read(before),
      after === null ? null : read(after),
    ]);
    const words = new Set(pairs.flat());
    const [only] = words;
    if (words.size === 0 || (words.size === 1 && (only === null || only === undefined))) {
      table.unread.push(label);
    } else if (words.size === 1) {
      table.constant.push({ label, value: only ?? "" });
    } else {
      table.columns.push({
        label,
        cells: pairs.map(([before, after]) =>
          before === after ? (before ?? "–") : `${before ?? "–"} → ${after ?? "–"}`,
        ),
      });
    }
  }
  return table;
}
