import {
  AGENT_PROTOCOL_VERSION,
  type Device,
  type DeviceAvailability,
  type DeviceDescription,
} from "@benchfarm/contracts";

/** Everything that decides whether a device may be offered a run: its axes and the state of its agent. */
export interface DeviceStanding {
  lifecycle: Device["lifecycle"];
  quarantine: Device["quarantine"];
  health: Device["health"];
  availability: DeviceAvailability;
  agentRevoked: boolean;
  /** The agent has a session and was seen within the lease time. */
  agentLive: boolean;
  protocolVersion: number;
}

/** The oldest agent protocol that is served: this one and the two before. */
export const OLDEST_PROTOCOL_VERSION = Math.max(1, AGENT_PROTOCOL_VERSION - 2);

/** Why a device is not offered a run, in the order in which they are looked at. */
export const INELIGIBLE = {
  pending: "waits for an administrator's approval",
  maintenance: "is in maintenance",
  retired: "is retired",
  quarantined: "is quarantined",
  health_unknown: "has not been checked yet",
  health_suspect: "failed before and must be checked first",
  health_bad: "failed its health check",
  health_looping: "only runs health checks at the moment",
  agent_revoked: "belongs to an agent whose key was revoked",
  agent_outdated: "is driven by an agent that is too old; upgrade it",
  agent_offline: "is offline: its agent has not been heard of",
  unreachable: "cannot be reached by its agent",
  initializing: "is being set up by its agent",
  checking: "is being checked",
  leased: "is busy with another run",
  cleaning: "is being cleaned up after a run",
  cooling: "is cooling down",
  draining: "is being taken out of service",
  updating: "is being updated",
} as const;

export type IneligibleCode = keyof typeof INELIGIBLE;

/**
 * The first reason why this device may not be offered a run now, or null when it is eligible (orchestration B4). Its SQL twin is
 * `ineligibleSql` in device.store.ts; a test holds the two together.
 */
export function ineligibleCode(standing: DeviceStanding): IneligibleCode | null {
  if (standing.lifecycle !== "active") return standing.lifecycle;
  if (standing.quarantine !== "none") return "quarantined";
  if (standing.health !== "good") return `health_${standing.health}`;
  if (standing.agentRevoked) return "agent_revoked";
  if (standing.protocolVersion < OLDEST_PROTOCOL_VERSION) return "agent_outdated";
  if (!standing.agentLive) return "agent_offline";
  return standing.availability === "ready" ? null : standing.availability;
}

/**
 * The health of a device whose description has just been accepted, and why it changed. Until devices are measured against golden
 * workloads, an unknown device with a readable description counts as good; this rule is the one place that says so.
 */
export function healthAfterDescription(
  health: Device["health"],
  description: Pick<DeviceDescription, "engines" | "facts">,
): { health: Device["health"]; note: string | null } {
  if (health !== "unknown" || description.engines.length === 0) return { health, note: null };
  return { health: "good", note: "accepted without a golden check" };
}

/** What an agent's report makes of a device's availability: a lease is begun and ended by the farm alone. */
export function availabilityAfterReport(
  current: DeviceAvailability,
  reported: DeviceAvailability,
): DeviceAvailability {
  return current === "leased" || reported === "leased" ? current : reported;
}

/** Whether an agent that speaks this version is served, and if not what to do. */
export function protocolFault(protocolVersion: number): string | null {
  if (protocolVersion < OLDEST_PROTOCOL_VERSION) {
    return `this agent speaks protocol ${protocolVersion}, the farm needs ${OLDEST_PROTOCOL_VERSION} or later; upgrade benchfarm on the device and start the agent again`;
  }
  if (protocolVersion > AGENT_PROTOCOL_VERSION) {
    return `this agent speaks protocol ${protocolVersion}, the farm only knows ${AGENT_PROTOCOL_VERSION}; upgrade the farm, or start an agent of the farm's version`;
  }
  return null;
}

/** How often being seen is written down: often enough for the lease time, seldom enough for ten thousand devices. */
export function seenIntervalMs(leaseMs: number): number {
  return Math.min(20_000, leaseMs / 3);
}
