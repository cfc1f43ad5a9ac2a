import { z } from "zod";
import { Backend, WorkloadSpec } from "./catalogue.js";
import { idSchema, Instant } from "./id.js";
import { PageQuery } from "./page.js";
import { Band, RunOutcome } from "./run.js";

/** Which devices: every condition given must hold. `{}` selects all active devices of the org. */
export const DeviceSelector = z
  .object({
    deviceIds: z.array(idSchema("device")).optional(),
    skuIds: z.array(idSchema("sku")).optional(),
    tags: z.array(z.string()).optional(),
  })
  .meta({ id: "DeviceSelector" });

/** Which quants: every condition given must hold. `{}` selects all quants. */
export const QuantSelector = z
  .object({
    quantIds: z.array(idSchema("quant")).optional(),
    modelIds: z.array(idSchema("model")).optional(),
    families: z.array(z.string()).optional(),
    names: z.array(z.string()).optional(),
  })
  .meta({ id: "QuantSelector" });

export const EngineSelector = z
  .object({ engine: z.string(), backend: Backend })
  .meta({ id: "EngineSelector" });

/** A cross product of devices x quants x engines and backends x workloads, created once; the id may be the client's own. */
export const CreateSweep = z
  .object({
    id: idSchema("sweep").optional(),
    name: z.string().min(1).max(200),
    devices: DeviceSelector.default({}),
    quants: QuantSelector.default({}),
    engines: z.array(EngineSelector).min(1).max(50),
    workloads: z.array(WorkloadSpec).min(1).max(100),
    band: Band.default("interactive"),
    /** Count and explain, create nothing. */
    dryRun: z.boolean().default(false),
  })
  .meta({ id: "CreateSweep" });
export type CreateSweep = z.infer<typeof CreateSweep>;

export const SweepState = z.enum(["active", "canceling", "done"]).meta({ id: "SweepState" });

/** How far a sweep is. Counts add up to `total`. */
export const SweepProgress = z
  .object({
    total: z.number().int(),
    blocked: z.number().int(),
    queued: z.number().int(),
    active: z.number().int(),
    done: z.number().int(),
    outcomes: z.partialRecord(RunOutcome, z.number().int()),
    /** From this sweep's own finished runs; null until one has finished. */
    remainingMs: z.number().nullable(),
  })
  .meta({ id: "SweepProgress" });
export type SweepProgress = z.infer<typeof SweepProgress>;

export const Sweep = z
  .object({
    id: idSchema("sweep"),
    name: z.string(),
    state: SweepState,
    band: Band,
    spec: CreateSweep,
    progress: SweepProgress,
    createdAt: Instant,
    endedAt: Instant.nullable(),
  })
  .meta({ id: "Sweep" });
export type Sweep = z.infer<typeof Sweep>;

/** What a sweep would be, or has become: `sweep` is null for a dry run. */
export const CreatedSweep = z
  .object({
    sweep: Sweep.nullable(),
    runCount: z.number().int(),
    /** Combinations of the cross product that no device can serve, with the reason. */
    unserved: z.array(z.object({ combination: z.string(), reason: z.string() })),
  })
  .meta({ id: "CreatedSweep" });
export type CreatedSweep = z.infer<typeof CreatedSweep>;

export const SweepQuery = PageQuery.extend({ state: SweepState.optional() });
