import { z } from "zod";
import { Backend, EngineFacts, Gpu } from "./catalogue.js";
import { idSchema, Instant } from "./id.js";
import { PageQuery } from "./page.js";

export const PowerSource = z.enum(["mains", "charging", "battery"]).meta({ id: "PowerSource" });

/** What an agent found out about a machine. Every fact that could not be read is null. */
export const MachineFacts = z
  .object({
    manufacturer: z.string().nullable(),
    product: z.string().nullable(),
    formFactor: z.string().nullable(),
    virtualisation: z.string().nullable(),
    cpuModel: z.string().nullable(),
    cpuVendor: z.string().nullable(),
    physicalCores: z.number().int().nullable(),
    logicalCores: z.number().int().nullable(),
    performanceCores: z.number().int().nullable(),
    efficiencyCores: z.number().int().nullable(),
    isaExtensions: z.array(z.string()).nullable(),
    memoryBytes: z.number().int().nullable(),
    /** Measured by the agent by reading memory far larger than the caches, all cores; never a data-sheet value. */
    memoryBandwidthBytesPerSecond: z.number().nullable(),
    memoryBandwidthMethod: z.string().nullable(),
    gpus: z.array(Gpu).nullable(),
    os: z.object({
      platform: z.string(),
      name: z.string().nullable(),
      version: z.string().nullable(),
      build: z.string().nullable(),
      kernel: z.string().nullable(),
      architecture: z.string(),
    }),
    power: z.object({
      source: PowerSource.nullable(),
      batteryPercent: z.number().nullable(),
    }),
  })
  .meta({ id: "MachineFacts" });
export type MachineFacts = z.infer<typeof MachineFacts>;

/** An engine that a device can run, and the backends it offers there. */
export const DeviceEngine = EngineFacts.extend({ backends: z.array(Backend).min(1) }).meta({
  id: "DeviceEngine",
});
export type DeviceEngine = z.infer<typeof DeviceEngine>;

/** What an agent says of one device it drives. `localId` is the agent's own stable name of it (serial number, machine id digest). */
export const DeviceDescription = z
  .object({
    localId: z.string().min(1).max(200),
    name: z.string().min(1).max(200),
    /** True for test doubles: such devices never enter public cells. */
    simulated: z.boolean().default(false),
    cooling: z.string().default("as_sold"),
    tags: z.array(z.string()).default([]),
    facts: MachineFacts,
    engines: z.array(DeviceEngine),
  })
  .meta({ id: "DeviceDescription" });
export type DeviceDescription = z.infer<typeof DeviceDescription>;

export const DeviceLifecycle = z.enum(["pending", "active", "maintenance", "retired"]);
export const DeviceQuarantine = z.enum(["none", "auto", "manual"]);
export const DeviceHealth = z.enum(["unknown", "good", "suspect", "bad", "looping"]);
export const DeviceAvailability = z.enum([
  "unreachable",
  "initializing",
  "checking",
  "ready",
  "leased",
  "cleaning",
  "cooling",
  "draining",
  "updating",
]);
export type DeviceAvailability = z.infer<typeof DeviceAvailability>;

export const Device = z
  .object({
    id: idSchema("device"),
    name: z.string(),
    skuId: idSchema("sku"),
    skuName: z.string(),
    agentId: idSchema("agent"),
    lifecycle: DeviceLifecycle,
    quarantine: DeviceQuarantine,
    quarantineReason: z.string().nullable(),
    health: DeviceHealth,
    availability: DeviceAvailability,
    simulated: z.boolean(),
    cooling: z.string(),
    tags: z.array(z.string()),
    facts: MachineFacts,
    engines: z.array(DeviceEngine),
    /** Whether a run could be offered to it now, and the first reason why not. */
    eligible: z.boolean(),
    ineligibleReason: z.string().nullable(),
    currentRunId: idSchema("run").nullable(),
    lastSeenAt: Instant.nullable(),
    createdAt: Instant,
  })
  .meta({ id: "Device" });
export type Device = z.infer<typeof Device>;

export const DeviceQuery = PageQuery.extend({
  sku: z.string().optional(),
  availability: DeviceAvailability.optional(),
});

/** An administrator's change to a device; taking one out of service needs a reason. */
export const UpdateDevice = z
  .object({
    lifecycle: DeviceLifecycle.optional(),
    quarantine: z.enum(["none", "manual"]).optional(),
    name: z.string().min(1).max(200).optional(),
    tags: z.array(z.string().min(1).max(60)).max(50).optional(),
    reason: z.string().min(3).max(500).optional(),
  })
  .refine(
    (u) =>
      u.reason !== undefined ||
      !(u.quarantine === "manual" || (u.lifecycle !== undefined && u.lifecycle !== "active")),
    { message: "say why in `reason` when a device is taken out of service" },
  )
  .meta({ id: "UpdateDevice" });

export const CreateEnrolment = z
  .object({
    name: z.string().max(200).optional(),
    /** At most one hour. */
    validForSeconds: z.number().int().min(60).max(3600).default(3600),
    maxDevices: z.number().int().min(1).max(200).default(50),
    /** Devices of this enrolment start `active` instead of `pending` an administrator's approval. */
    autoApprove: z.boolean().default(true),
  })
  .meta({ id: "CreateEnrolment" });

export const Enrolment = z
  .object({
    id: idSchema("enrolment"),
    name: z.string().nullable(),
    maxDevices: z.number().int(),
    autoApprove: z.boolean(),
    expiresAt: Instant,
    usedAt: Instant.nullable(),
    agentId: idSchema("agent").nullable(),
    createdAt: Instant,
  })
  .meta({ id: "Enrolment" });
export type Enrolment = z.infer<typeof Enrolment>;

export const CreatedEnrolment = z
  .object({
    enrolment: Enrolment,
    /** Four groups of four letters and digits, shown this once; good for one agent. */
    code: z.string(),
  })
  .meta({ id: "CreatedEnrolment" });

/** One entry of a history: who changed what, when and why. */
export const HistoryEvent = z
  .object({
    id: idSchema("event"),
    sequence: z.number().int(),
    kind: z.string(),
    subjectKind: z.string(),
    subjectId: z.string(),
    actor: z.string(),
    data: z.record(z.string(), z.unknown()),
    at: Instant,
  })
  .meta({ id: "HistoryEvent" });
export type HistoryEvent = z.infer<typeof HistoryEvent>;
