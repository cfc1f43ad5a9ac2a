import {
  newId,
  Problem,
  type DeviceAvailability,
  type DeviceDescription,
} from "@benchfarm/contracts";
import { ensureSku, registerEngine } from "../catalogue/catalogue.store.js";
import type { Tx } from "../platform/database/database.js";
import { recordEvents, type NewEvent } from "../platform/events.store.js";
import type { AgentRow } from "./agent.store.js";
import { rebuildDeviceMatches } from "./device-match.store.js";
import { healthAfterDescription } from "./device.rules.js";
import {
  insertDevice,
  lockDevicesOfAgent,
  updateDescription,
  writeAvailability,
  type KnownDevice,
} from "./device.store.js";
import { dimensionsDigest } from "./requirement.rules.js";

export interface DescribedBinding {
  localId: string;
  deviceId: string;
}

/**
 * Takes over an agent's description of its devices: registers their engines, finds their Sku, makes devices that are new, and
 * rebuilds what matching knows where it changed. Devices no longer described become unreachable; a lease is never touched. Returns
 * the match keys that a device newly meets, so that waiting work can be offered. Throws `invalid_request` for a name given twice,
 * `conflict` for more devices than the agent's enrolment allows.
 */
export async function describeDevices(
  tx: Tx,
  agent: Pick<AgentRow, "id" | "orgId" | "autoApprove" | "maxDevices">,
  descriptions: DeviceDescription[],
): Promise<{ bindings: DescribedBinding[]; matchKeys: string[] }> {
  const localIds = new Set(descriptions.map((d) => d.localId));
  if (localIds.size !== descriptions.length) {
    throw new Problem("invalid_request", "two devices have the same localId; give each its own", [
      { path: "body.devices", message: "localId must be unique" },
    ]);
  }
  const known = new Map(
    (await lockDevicesOfAgent(tx, agent.id)).map((device) => [device.localId, device]),
  );
  const total = new Set([...known.keys(), ...localIds]).size;
  if (total > agent.maxDevices) {
    throw new Problem(
      "conflict",
      `this agent may bring ${agent.maxDevices} devices and has described ${total}; enrol it with a code for more (maxDevices)`,
    );
  }
  const events: NewEvent[] = [];
  const bindings: DescribedBinding[] = [];
  const matchKeys = new Set<string>();
  for (const description of descriptions) {
    const device = known.get(description.localId);
    const described = await describeOne(tx, agent, description, device);
    bindings.push({ localId: description.localId, deviceId: described.deviceId });
    for (const key of described.matchKeys) matchKeys.add(key);
    events.push(described.event);
  }
  for (const device of known.values()) {
    if (localIds.has(device.localId) || ["leased", "unreachable"].includes(device.availability)) {
      continue;
    }
    await writeAvailability(tx, device.id, "unreachable");
    events.push({
      orgId: agent.orgId,
      kind: "device.availability_changed",
      subjectKind: "device",
      subjectId: device.id,
      actor: agent.id,
      data: { from: device.availability, to: "unreachable", reason: "its agent has it no more" },
    });
  }
  await recordEvents(tx, events);
  return { bindings, matchKeys: [...matchKeys] };
}

async function describeOne(
  tx: Tx,
  agent: Pick<AgentRow, "id" | "orgId" | "autoApprove">,
  description: DeviceDescription,
  device: KnownDevice | undefined,
): Promise<{ deviceId: string; matchKeys: string[]; event: NewEvent }> {
  const { orgId } = agent;
  const sku = await ensureSku(tx, orgId, description.facts);
  for (const { backends: _, ...facts } of description.engines)
    await registerEngine(tx, orgId, facts);
  const id = device?.id ?? newId("device");
  const digest = dimensionsDigest({ id, orgId, skuId: sku.id, engines: description.engines });
  const { health, note } = healthAfterDescription(device?.health ?? "unknown", description);
  const availability: DeviceAvailability =
    device?.availability === "leased" ? "leased" : "initializing";
  const columns = {
    id,
    skuId: sku.id,
    health,
    availability,
    simulated: description.simulated,
    cooling: description.cooling,
    facts: description.facts,
    engines: description.engines,
    dimensionsDigest: digest,
  };
  if (device === undefined) {
    await insertDevice(tx, {
      ...columns,
      orgId,
      agentId: agent.id,
      localId: description.localId,
      name: description.name,
      tags: description.tags,
      lifecycle: agent.autoApprove ? "active" : "pending",
    });
  } else {
    await updateDescription(tx, columns);
  }
  const rebuild = device === undefined || device.dimensionsDigest !== digest;
  return {
    deviceId: id,
    matchKeys: rebuild ? await rebuildDeviceMatches(tx, orgId, id) : [],
    event: {
      orgId,
      kind: device === undefined ? "device.enrolled" : "device.described",
      subjectKind: "device",
      subjectId: id,
      actor: agent.id,
      data: {
        ...(device === undefined ? {} : { from: device.availability }),
        to: availability,
        skuId: sku.id,
        health,
        ...(note === null ? {} : { note }),
        ...(rebuild && device !== undefined ? { dimensionsChanged: true } : {}),
      },
    },
  };
}
