import {
  Dimension,
  type Backend,
  type ComparisonKey,
  type Matrix,
  type MatrixCell,
} from "@benchfarm/contracts";
import { metricApplies } from "./applies.rules.js";
import { compareNaturally } from "./matrix-values.rules.js";
import type { MatrixInput, PlacedCell, PlacedRuns } from "./matrix.rules.js";

/** The comparison fields that are no dimension, by their names, as text. */
export type Context = Record<string, string>;

/** The part of a comparison key that a matrix has no dimension for. */
export function contextOf(
  key: Pick<ComparisonKey, "cooling" | "powerProfile" | "settings">,
): Context {
  const settings = Object.entries(key.settings).map(([name, value]) => [
    name,
    value === null ? "unknown" : String(value),
  ]);
  return {
    cooling: key.cooling,
    powerProfile: key.powerProfile,
    ...(Object.fromEntries(settings) as Record<string, string>),
  };
}

type Asked = Pick<MatrixInput, "metric" | "rows" | "columns" | "values" | "contexts">;

/** What one place shows. A valid number goes before one that is held, that before a failure, and all of them before runs. */
export function placeCell(
  cells: readonly PlacedCell[],
  runs: readonly PlacedRuns[],
  asked: Asked,
): MatrixCell {
  const fitting = cells.filter((cell) => metricApplies(asked.metric, cell.workloadKind));
  const numbers = fitting.filter((cell) => cell.summary !== null && cell.status === "measured");
  const held = fitting.filter((cell) => cell.status === "held");
  const failed = fitting.filter((cell) => cell.status === "failed");
  if (numbers.length > 1) {
    return shown("several", newest(numbers), { detail: differences(numbers, asked), many: true });
  }
  const [number] = numbers;
  if (number !== undefined) {
    const { n, median, low, high } = number.summary as NonNullable<PlacedCell["summary"]>;
    return {
      ...shown("measured", number, { detail: caution(failed, held) }),
      value: median,
      low,
      high,
      n,
    };
  }
  if (held.length > 0) {
    return shown("held", newest(held), {
      detail: "measured, but above what the memory's bandwidth allows; held until a person decides",
      many: held.length > 1,
    });
  }
  if (failed.length > 0) {
    const latest = newest(failed);
    const { code, message } = latest.failure ?? { code: "failed", message: "no reason is known" };
    return shown("failed", latest, {
      detail: `${code}: ${message}`,
      many: failed.length > 1,
    });
  }
  const [unmeasured] = fitting;
  if (unmeasured !== undefined) {
    return shown("not_applicable", newest(fitting), {
      detail: "measured, but the engine or the device does not tell this metric",
      many: fitting.length > 1,
    });
  }
  return placeRuns(cells, runs, asked);
}

function placeRuns(
  cells: readonly PlacedCell[],
  runs: readonly PlacedRuns[],
  asked: Asked,
): MatrixCell {
  const fitting = runs.filter((run) => metricApplies(asked.metric, run.workloadKind));
  const open = fitting.reduce((sum, run) => sum + run.openCount, 0);
  const ended = fitting.find((run) => run.ended !== null);
  const run = fitting[0];
  const base = {
    value: null,
    low: null,
    high: null,
    n: 0,
    resultCount: 0,
    cellKey: null,
    backend: same(fitting.map((item) => item.place.backend as Backend)),
    weights: same(fitting.map((item) => item.weights)),
    simulated: run?.simulated ?? false,
  };
  if (open > 0) {
    return {
      ...base,
      status: "pending",
      detail: open === 1 ? "one run is on its way" : `${open} runs are on their way`,
    };
  }
  if (ended?.ended != null) {
    const { outcome, reason } = ended.ended;
    return { ...base, status: "failed", detail: [outcome, reason].filter(Boolean).join(": ") };
  }
  const status = cells.length > 0 || runs.length > 0 ? "not_applicable" : "empty";
  return { ...base, status, detail: "this metric does not exist for this workload" };
}

function shown(
  status: MatrixCell["status"],
  cell: PlacedCell,
  { detail, many = false }: { detail: string | null; many?: boolean },
): MatrixCell {
  return {
    status,
    value: null,
    low: null,
    high: null,
    n: 0,
    resultCount: cell.resultCount,
    cellKey: status === "several" ? null : cell.key,
    backend: many && status === "several" ? null : (cell.place.backend as Backend),
    weights: cell.weights,
    simulated: cell.simulated,
    detail,
  };
}

function newest(cells: readonly PlacedCell[]): PlacedCell {
  return cells.reduce((best, cell) => (cell.updatedAtMs > best.updatedAtMs ? cell : best));
}

function same<T>(values: readonly T[]): T | null {
  const [first] = values;
  return first !== undefined && values.every((value) => value === first) ? first : null;
}

/** What else happened at a place that has a number. */
function caution(failed: readonly PlacedCell[], held: readonly PlacedCell[]): string | null {
  const others = [
    ...failed.map((cell) => `${cell.place.backend} ${cell.failure?.code ?? "failed"}`),
    ...held.map((cell) => `${cell.place.backend} held`),
  ];
  return others.length === 0 ? null : `also here: ${[...new Set(others)].join(", ")}`;
}

/** In what the comparison keys of one place differ, and what to do about it. */
function differences(cells: readonly PlacedCell[], asked: Asked): string {
  const shownDimensions = new Set([...asked.rows, ...asked.columns]);
  const varying = Dimension.options.filter(
    (dimension) =>
      !shownDimensions.has(dimension) && new Set(cells.map((c) => c.place[dimension])).size > 1,
  );
  const keys = `${cells.length} comparison keys fall here`;
  if (varying.length > 0) {
    return `${keys}: add ${varying.join(" or ")} to the rows or columns, or filter by it`;
  }
  const quants = new Set(cells.map((cell) => cell.quantId));
  if (quants.size > 1) {
    return `${keys}: ${quants.size} files have this model and quant name; filter with quant=<id>`;
  }
  const contexts = cells.map((cell) => asked.contexts.get(cell.contextDigest) ?? {});
  const fields = varyingFields(contexts).map(([name, values]) => `${name} (${values.join(", ")})`);
  return fields.length === 0
    ? `${keys}; see GET /v1/cells`
    : `${keys}; they differ in ${fields.join(" and ")}; see GET /v1/cells`;
}

function varyingFields(contexts: readonly Context[]): [string, string[]][] {
  const names = [...new Set(contexts.flatMap((context) => Object.keys(context)))];
  return names
    .map((name): [string, string[]] => [
      name,
      [...new Set(contexts.map((context) => context[name] ?? "unknown"))].sort(compareNaturally),
    ])
    .filter(([, values]) => values.length > 1);
}

/** The comparison fields that all shown numbers share, and those that they do not; without numbers, of all shown cells. */
export function compareContexts(input: MatrixInput): Matrix["comparison"] {
  const fitting = input.cells.filter((cell) => metricApplies(input.metric, cell.workloadKind));
  const numbers = fitting.filter((cell) => cell.status === "measured");
  const cells = numbers.length > 0 ? numbers : fitting;
  if (cells.length === 0) return { same: {}, varies: [] };
  const seen = new Map<string, Set<string>>();
  const see = (name: string, value: string) => {
    const values = seen.get(name);
    if (values === undefined) seen.set(name, new Set([value]));
    else values.add(value);
  };
  for (const dimension of Dimension.options) {
    for (const id of new Set(cells.map((cell) => cell.place[dimension]))) {
      see(dimension, input.values[dimension].get(id)?.label ?? id);
    }
  }
  for (const digest of new Set(cells.map((cell) => cell.contextDigest))) {
    for (const [name, value] of Object.entries(input.contexts.get(digest) ?? {})) see(name, value);
  }
  const entries = [...seen];
  return {
    same: Object.fromEntries(
      entries.filter(([, v]) => v.size === 1).map(([name, v]) => [name, [...v][0] as string]),
    ),
    varies: entries.filter(([, values]) => values.size > 1).map(([name]) => name),
  };
}
