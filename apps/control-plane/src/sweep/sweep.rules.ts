import { createHash } from "node:crypto";
import {
  canonicalJson,
  type Backend,
  type CreateSweep,
  type CreatedSweep,
  type RunOutcome,
  type RunState,
  type RunTarget,
  type SweepProgress,
} from "@benchfarm/contracts";

/** A device as a sweep sees it: what it can run. */
export interface SweepDevice {
  id: string;
  name: string;
  engines: { adapter: string; backends: Backend[] }[];
}

/** What the selectors of a sweep found. */
export interface Selection {
  devices: SweepDevice[];
  /** Named by id, but not in service. */
  inactiveDevices: { name: string; lifecycle: string }[];
  quantIds: string[];
}

type EngineSelection = CreateSweep["engines"][number];
type Unserved = CreatedSweep["unserved"];

/** Which pairs of engine selector and device can work together, and why the others cannot. */
export interface SweepPlan {
  serving: { engine: EngineSelection; deviceId: string }[];
  unserved: Unserved;
  runCount: number;
}

/** More explanations than anybody reads. */
const MOST_UNSERVED = 1000;
/** More runs than one transaction should write; a larger sweep is several. */
export const MOST_RUNS = 500_000;

/**
 * Pairs engines with devices, without making the product with quants and workloads: that is `expandTargets`. Equal selectors and
 * workloads count once.
 */
export function planSweep(
  spec: Pick<CreateSweep, "engines" | "workloads">,
  selection: Selection,
): SweepPlan {
  const engines = uniqueBy(spec.engines, canonicalJson);
  const serving: SweepPlan["serving"] = [];
  const unserved: Unserved = selection.inactiveDevices.map(({ name, lifecycle }) => ({
    combination: name,
    reason: `the device is ${lifecycle}; set it active first`,
  }));
  if (selection.devices.length === 0) {
    unserved.push({
      combination: "all devices",
      reason: "no active device matches the selector; enrol one, or select otherwise",
    });
  }
  if (selection.quantIds.length === 0) {
    unserved.push({
      combination: "all quants",
      reason: "no quant matches the selector; add a model, or select otherwise",
    });
  }
  for (const engine of engines) {
    for (const device of selection.devices) {
      const reason = whyNot(device, engine);
      if (reason === null) serving.push({ engine, deviceId: device.id });
      else {
        unserved.push({
          combination: `${device.name} with ${engine.engine} on ${engine.backend}`,
          reason,
        });
      }
    }
  }
  const runCount = serving.length * selection.quantIds.length * distinctWorkloads(spec).length;
  return { serving, unserved: unserved.slice(0, MOST_UNSERVED), runCount };
}

/** The workloads of a sweep, each once. */
export function distinctWorkloads(spec: Pick<CreateSweep, "workloads">): CreateSweep["workloads"] {
  return uniqueBy(spec.workloads, canonicalJson);
}

function whyNot(device: SweepDevice, { engine, backend }: EngineSelection): string | null {
  const own = device.engines.filter((candidate) => candidate.adapter === engine);
  if (own.length === 0) {
    const has = [...new Set(device.engines.map((candidate) => candidate.adapter))];
    return `the device has no ${engine}; it has ${has.join(", ") || "no engine"}`;
  }
  const backends = [...new Set(own.flatMap((candidate) => candidate.backends))];
  return backends.includes(backend)
    ? null
    : `${engine} offers no ${backend} there; it offers ${backends.join(", ")}`;
}

/**
 * The runs of a planned sweep, one by one, never all in memory: quants outermost, so that a device measures all that it is asked of one
 * file before it fetches the next.
 */
export function* expandTargets(
  plan: Pick<SweepPlan, "serving">,
  quantIds: readonly string[],
  workloadIds: readonly string[],
): Generator<RunTarget> {
  for (const quantId of quantIds) {
    for (const workloadId of workloadIds) {
      for (const { engine, deviceId } of plan.serving) {
        yield {
          quantId,
          workloadId,
          engine: engine.engine,
          engineVersion: null,
          backend: engine.backend,
          deviceId,
          skuId: null,
        };
      }
    }
  }
}

/** Cuts a sequence into arrays of at most `size`. */
export function* inBatches<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** SHA-256 of what a sweep asks for, its id aside: equal digests are the same request. */
export function sweepDigest(spec: CreateSweep): string {
  const { id: _, dryRun: __, ...asked } = spec;
  return createHash("sha256").update(canonicalJson(asked)).digest("hex");
}

/** Progress from counts of runs by state and outcome. Canceling runs are still being worked on. */
export function progressOf(
  counts: readonly { state: RunState; outcome: RunOutcome | null; count: number }[],
  remainingMs: number | null,
): SweepProgress {
  const of = (...states: RunState[]) =>
    counts.filter(({ state }) => states.includes(state)).reduce((sum, { count }) => sum + count, 0);
  const outcomes: SweepProgress["outcomes"] = {};
  for (const { outcome, count } of counts) {
    if (outcome !== null) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const done = of("done");
  return {
    total,
    blocked: of("blocked"),
    queued: of("queued"),
    active: of("active", "canceling"),
    done,
    outcomes,
    remainingMs: done === total ? 0 : remainingMs,
  };
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
