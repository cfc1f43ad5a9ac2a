import { z } from "zod";
import { Backend, QuantSource, WorkloadSpec } from "./catalogue.js";
import { DeviceAvailability, DeviceDescription } from "./device.js";
import { idSchema, Instant, Sha256 } from "./id.js";
import { Conditions, ResultSubmission } from "./result.js";
import { AttemptEndReason, AttemptPhase } from "./run.js";

/** The version of the calls below. The server takes this one and the two before; an older agent gets `agent_outdated`. */
export const AGENT_PROTOCOL_VERSION = 1;

/** Timers an agent keeps, set by the server. */
export const AgentTimers = z
  .object({
    pollWaitMs: z.number().int(),
    offerMs: z.number().int(),
    heartbeatMs: z.number().int(),
    leaseMs: z.number().int(),
    maxQuietMs: z.number().int(),
  })
  .meta({ id: "AgentTimers" });
export type AgentTimers = z.infer<typeof AgentTimers>;

/** The exchange of a one-time code for the registration of the agent's own public key. Signed by that key: proof of possession. */
export const EnrolRequest = z
  .object({
    code: z.string().min(4).max(100),
    /** Raw 32-byte Ed25519 public key, base64url. */
    publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
    name: z.string().min(1).max(200),
    agentVersion: z.string(),
    protocolVersion: z.number().int(),
    devices: z.array(DeviceDescription).min(1).max(200),
  })
  .meta({ id: "EnrolRequest" });
export type EnrolRequest = z.infer<typeof EnrolRequest>;

/** The server's ids of the devices an agent named. */
export const DeviceBinding = z.object({ localId: z.string(), deviceId: idSchema("device") });

export const EnrolReply = z
  .object({
    agentId: idSchema("agent"),
    orgId: idSchema("org"),
    devices: z.array(DeviceBinding),
  })
  .meta({ id: "EnrolReply" });

/** What an agent still holds of one attempt, from its journal. */
export const AttemptReport = z.object({
  attemptId: idSchema("attempt"),
  epoch: z.number().int(),
  phase: AttemptPhase,
  hasResult: z.boolean(),
});

/** Opens the agent's one session: a new session ends the one before. Devices are described afresh. */
export const SessionRequest = z
  .object({
    agentVersion: z.string(),
    protocolVersion: z.number().int(),
    devices: z.array(DeviceDescription).min(1).max(200),
    attempts: z.array(AttemptReport).max(1000),
  })
  .meta({ id: "SessionRequest" });
export type SessionRequest = z.infer<typeof SessionRequest>;

/** What to do with a reported attempt: go on, deliver its result, or stop it and clean up. */
export const AttemptDirective = z.object({
  attemptId: idSchema("attempt"),
  directive: z.enum(["keep", "send_result", "stop"]),
  reason: z.string(),
});

export const SessionReply = z
  .object({
    sessionId: z.string(),
    serverTime: Instant,
    timers: AgentTimers,
    devices: z.array(DeviceBinding),
    attempts: z.array(AttemptDirective),
  })
  .meta({ id: "SessionReply" });

/** The observed state of one device, for scheduling. */
export const DevicePresence = z.object({
  deviceId: idSchema("device"),
  /** `ready` asks for work; `cleaning`, `cooling`, `draining` and `updating` do not. */
  availability: DeviceAvailability,
  conditions: Conditions.nullable(),
  freeDiskBytes: z.number().nullable(),
});

/** Asks for work for the ready devices; the answer comes at once or when there is some, at most `waitMs` later. Replaying a
 * `claimId` gives the same offer again. */
export const PollRequest = z
  .object({
    sessionId: z.string(),
    claimId: idSchema("claim"),
    waitMs: z.number().int().min(0).max(60_000),
    devices: z.array(DevicePresence).max(200),
  })
  .meta({ id: "PollRequest" });

/** Everything an agent needs for one attempt. */
export const Assignment = z
  .object({
    attemptId: idSchema("attempt"),
    runId: idSchema("run"),
    deviceId: idSchema("device"),
    localId: z.string(),
    epoch: z.number().int(),
    claimId: idSchema("claim"),
    offerUntil: Instant,
    engine: z.object({ adapter: z.string(), version: z.string().nullable() }),
    backend: Backend,
    workload: WorkloadSpec,
    artifact: z.object({
      sha256: Sha256,
      sizeBytes: z.number().int(),
      fileName: z.string(),
      modelName: z.string(),
      quantName: z.string(),
      source: QuantSource,
    }),
    limits: z.object({
      prepareMs: z.number().int(),
      gateMs: z.number().int(),
      measureMs: z.number().int(),
      repetitionMs: z.number().int(),
    }),
  })
  .meta({ id: "Assignment" });
export type Assignment = z.infer<typeof Assignment>;

export const PollReply = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("offer"), assignment: Assignment }),
    z.object({ kind: z.literal("nothing"), retryAfterMs: z.number().int() }),
    z.object({ kind: z.literal("sleep"), retryAfterMs: z.number().int(), reason: z.string() }),
  ])
  .meta({ id: "PollReply" });
export type PollReply = z.infer<typeof PollReply>;

export const AcceptRequest = z
  .object({ epoch: z.number().int(), claimId: idSchema("claim") })
  .meta({ id: "AcceptRequest" });
export const AcceptReply = z
  .object({ leaseUntil: Instant, leaseMs: z.number().int() })
  .meta({ id: "AcceptReply" });

/** One heartbeat for the whole agent: all its devices and all its live attempts. */
export const HeartbeatRequest = z
  .object({
    sessionId: z.string(),
    attempts: z
      .array(
        z.object({
          attemptId: idSchema("attempt"),
          epoch: z.number().int(),
          phase: AttemptPhase,
          /** Announces a window without heartbeats while measuring; the lease is extended to cover it. */
          quietMs: z.number().int().min(0).default(0),
          progress: z
            .object({
              repetition: z.number().int(),
              repetitions: z.number().int(),
              /** What keeps the next repetition from starting, in words; null when nothing does. */
              waitingFor: z.string().max(500).nullable().default(null),
            })
            .nullable()
            .default(null),
        }),
      )
      .max(200),
    devices: z.array(DevicePresence).max(200),
  })
  .meta({ id: "HeartbeatRequest" });

export const HeartbeatReply = z
  .object({
    attempts: z.array(
      z.object({
        attemptId: idSchema("attempt"),
        /** False: the lease is gone; stop, clean up, keep the evidence. */
        held: z.boolean(),
        leaseUntil: Instant.nullable(),
        mustStop: z.boolean(),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: "HeartbeatReply" });

export const SubmitResultRequest = z
  .object({ epoch: z.number().int(), result: ResultSubmission })
  .meta({ id: "SubmitResultRequest" });

/** `canonical`: it counts for its run. `fenced`: the lease was lost before; kept as evidence. */
export const SubmitResultReply = z
  .object({ resultId: idSchema("result"), canonical: z.boolean(), fenced: z.boolean() })
  .meta({ id: "SubmitResultReply" });

/** Ends an attempt without a result (or after `result`, when the device is clean again). */
export const EndAttemptRequest = z
  .object({
    epoch: z.number().int(),
    endReason: AttemptEndReason,
    detail: z.string().max(4000).nullable(),
  })
  .meta({ id: "EndAttemptRequest" });
export const EndAttemptReply = z.object({ ended: z.boolean() }).meta({ id: "EndAttemptReply" });

/** After any doubt: the same reconciliation as at the start of a session, without a new session. */
export const SyncRequest = z
  .object({ sessionId: z.string(), attempts: z.array(AttemptReport).max(1000) })
  .meta({ id: "SyncRequest" });
export const SyncReply = z
  .object({ attempts: z.array(AttemptDirective) })
  .meta({ id: "SyncReply" });
