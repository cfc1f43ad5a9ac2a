import type { Dimension, MatrixHead, WeightsOrigin, WorkloadKind } from "@benchfarm/contracts";

/** What is known of one row of the catalogue that a dimension can show. */
export interface CatalogueValue {
  dimension: Dimension;
  id: string;
  name: string;
  /** Told, in turn, by values whose labels would else be equal. */
  distinctions: string[];
  /** Compared before the label, member by member. */
  order: (number | string)[];
  /** Some cell of the org has it. */
  used: boolean;
}

/** One value of a dimension as people read it. */
export interface DimensionValue {
  id: string;
  label: string;
  order: (number | string)[];
  used: boolean;
}

export type DimensionValues = Record<Dimension, Map<string, DimensionValue>>;

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Compares as people sort: 0.8B before 2B before 14B, pp64 before pp512. */
export function compareNaturally(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Compares two values of the same dimension. */
export function compareValues(a: DimensionValue, b: DimensionValue): number {
  for (let i = 0; i < Math.min(a.order.length, b.order.length); i += 1) {
    const [x, y] = [a.order[i] as number | string, b.order[i] as number | string];
    const compared =
      typeof x === "number" && typeof y === "number"
        ? x - y
        : compareNaturally(String(x), String(y));
    if (compared !== 0 && !Number.isNaN(compared)) return compared;
  }
  return compareNaturally(a.label, b.label) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Labels for catalogue values: a name alone where it is unique within its dimension, with as many distinctions as it needs where not. */
export function labelValues(values: readonly CatalogueValue[]): DimensionValues {
  const labelled: DimensionValues = {
    sku: new Map(),
    model: new Map(),
    quant: new Map(),
    engine: new Map(),
    backend: new Map(),
    workload: new Map(),
  };
  const pending = new Map<string, CatalogueValue[]>();
  for (const value of values) {
    const slot = `${value.dimension} ${value.name}`;
    pending.set(slot, [...(pending.get(slot) ?? []), value]);
  }
  for (const group of pending.values()) {
    for (const [value, label] of distinguish(group)) {
      const { id, order, used } = value;
      labelled[value.dimension].set(id, { id, label, order, used });
    }
  }
  return labelled;
}

function distinguish(group: readonly CatalogueValue[]): [CatalogueValue, string][] {
  const longest = Math.max(...group.map((value) => value.distinctions.length));
  const labelAt = (value: CatalogueValue, depth: number) =>
    [value.name, ...value.distinctions.slice(0, depth)].join(" ");
  let depth = 0;
  while (
    depth < longest &&
    new Set(group.map((value) => labelAt(value, depth))).size < group.length
  ) {
    depth += 1;
  }
  return group.map((value) => [value, labelAt(value, depth)]);
}

/** Names of a model as shown: synthetic weights say so wherever they are seen. */
export function modelName(name: string, weights: WeightsOrigin): string {
  return weights === "synthetic" ? `${name} (synthetic)` : name;
}

const KIND_ORDER: Record<WorkloadKind, number> = { prefill: 0, decode: 1, end_to_end: 2 };

/** The order of a workload: prefills, decodes, then both together, each by size and depth. */
export function workloadOrder(
  kind: WorkloadKind,
  spec: { promptTokens: number; generatedTokens: number; depthTokens: number },
): number[] {
  return [KIND_ORDER[kind], spec.promptTokens, spec.generatedTokens, spec.depthTokens];
}

/** The head of a row or column. Its key can stand in a URL. */
export function headOf(
  dimensions: readonly Dimension[],
  ids: readonly string[],
  values: DimensionValues,
): MatrixHead {
  const heads = dimensions.map((dimension, i) => {
    const id = ids[i] as string;
    return { dimension, id, label: values[dimension].get(id)?.label ?? id };
  });
  return {
    key: headKey(ids),
    values: heads,
    label: heads.map((value) => value.label).join(" · "),
  };
}

export function headKey(ids: readonly string[]): string {
  return ids.map(encodeURIComponent).join(",");
}

/** Sorts heads by their values, dimension after dimension. */
export function sortHeads(heads: MatrixHead[], values: DimensionValues): MatrixHead[] {
  const valueOf = ({ dimension, id, label }: MatrixHead["values"][number]): DimensionValue =>
    values[dimension].get(id) ?? { id, label, order: [], used: false };
  return heads.sort((a, b) => {
    for (let i = 0; i < a.values.length; i += 1) {
      const compared = compareValues(
        valueOf(a.values[i] as MatrixHead["values"][number]),
        valueOf(b.values[i] as MatrixHead["values"][number]),
      );
      if (compared !== 0) return compared;
    }
    return 0;
  });
}
