import { z } from "zod";
import { Backend } from "./catalogue.js";
import { HistoryEvent } from "./device.js";
import { idSchema, Instant } from "./id.js";
import { PageQuery } from "./page.js";
import { Failure, ResultDetail } from "./result.js";

export const RunState = z
  .enum(["blocked", "queued", "active", "canceling", "done"])
  .meta({ id: "RunState" });
export type RunState = z.infer<typeof RunState>;

export const RunOutcome = z
  .enum([
    "succeeded",
    "failed",
    "invalid",
    "infra_error",
    "timed_out",
    "expired",
    "no_capacity",
    "canceled",
    "superseded",
    "reused",
  ])
  .meta({ id: "RunOutcome" });
export type RunOutcome = z.infer<typeof RunOutcome>;

/** Scheduling bands, most urgent first: 0 health, 1 interactive, 2 CI, 3 nightly, 4 backfill. */
export const Band = z
  .enum(["health", "interactive", "ci", "nightly", "backfill"])
  .meta({ id: "Band" });
export type Band = z.infer<typeof Band>;
export const BAND_RANK: Record<Band, number> = {
  health: 0,
  interactive: 1,
  ci: 2,
  nightly: 3,
  backfill: 4,
};

export const AttemptPhase = z
  .enum(["offered", "accepted", "preparing", "gating", "measuring", "finalizing", "ended"])
  .meta({ id: "AttemptPhase" });
export type AttemptPhase = z.infer<typeof AttemptPhase>;

export const AttemptEndReason = z
  .enum([
    "completed",
    "run_failed",
    "run_invalid",
    "timed_out",
    "lease_lost",
    "agent_crash",
    "device_lost",
    "gate_timeout",
    "preempted",
    "drained",
    "offer_lapsed",
    "canceled",
    "server_fault",
  ])
  .meta({ id: "AttemptEndReason" });
export type AttemptEndReason = z.infer<typeof AttemptEndReason>;

/** What a run measures and where: exactly one of `deviceId` and `skuId`. */
export const RunTarget = z.object({
  quantId: idSchema("quant"),
  workloadId: idSchema("workload"),
  /** The room in libs/engines. */
  engine: z.string(),
  /** Null: whichever version the device has. */
  engineVersion: z.string().nullable().default(null),
  backend: Backend,
  deviceId: idSchema("device").nullable().default(null),
  skuId: idSchema("sku").nullable().default(null),
});
export type RunTarget = z.infer<typeof RunTarget>;

export const CreateRun = RunTarget.extend({
  id: idSchema("run").optional(),
  band: Band.default("interactive"),
  maxAttempts: z.number().int().min(1).max(10).default(3),
})
  .refine((r) => (r.deviceId === null) !== (r.skuId === null), {
    message: "name either deviceId or skuId",
  })
  .meta({ id: "CreateRun" });

export const Run = RunTarget.extend({
  id: idSchema("run"),
  sweepId: idSchema("sweep").nullable(),
  state: RunState,
  blockedReason: z.string().nullable(),
  outcome: RunOutcome.nullable(),
  /** One sentence: why it ended as it did, or what it waits for. */
  reason: z.string().nullable(),
  band: Band,
  dispatchCount: z.number().int(),
  chargedCount: z.number().int(),
  maxAttempts: z.number().int(),
  modelName: z.string(),
  quantName: z.string(),
  workloadName: z.string(),
  deviceName: z.string().nullable(),
  phase: AttemptPhase.nullable(),
  resultId: idSchema("result").nullable(),
  rerunOf: idSchema("run").nullable(),
  createdAt: Instant,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
}).meta({ id: "Run" });
export type Run = z.infer<typeof Run>;

export const Attempt = z
  .object({
    id: idSchema("attempt"),
    runId: idSchema("run"),
    deviceId: idSchema("device"),
    deviceName: z.string(),
    number: z.number().int(),
    leaseEpoch: z.number().int(),
    phase: AttemptPhase,
    endReason: AttemptEndReason.nullable(),
    detail: z.string().nullable(),
    failure: Failure.nullable(),
    offeredAt: Instant,
    acceptedAt: Instant.nullable(),
    leaseUntil: Instant,
    endedAt: Instant.nullable(),
  })
  .meta({ id: "Attempt" });
export type Attempt = z.infer<typeof Attempt>;

export const RunDetail = Run.extend({
  attempts: z.array(Attempt),
  events: z.array(HistoryEvent),
  result: ResultDetail.nullable(),
}).meta({ id: "RunDetail" });
export type RunDetail = z.infer<typeof RunDetail>;

export const RunQuery = PageQuery.extend({
  sweep: z.string().optional(),
  device: z.string().optional(),
  state: RunState.optional(),
  outcome: RunOutcome.optional(),
});

/** Why a run is where it is, from the same predicate that decides. */
export const RunWhy = z
  .object({
    runId: idSchema("run"),
    state: RunState,
    sentence: z.string(),
    candidates: z.array(
      z.object({ deviceId: idSchema("device"), name: z.string(), reason: z.string().nullable() }),
    ),
  })
  .meta({ id: "RunWhy" });

export const CancelRun = z
  .object({ reason: z.string().min(1).max(500).optional() })
  .meta({ id: "CancelRun" });
