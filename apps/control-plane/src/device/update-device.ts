import { Problem, type UpdateDevice } from "@benchfarm/contracts";
import type { z } from "zod";
import type { Tx } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { lockDevice, writeDeviceChange, type DeviceChange } from "./device.store.js";

/**
 * An administrator's change to a device, with one event that says what changed, from what, and why. A run in progress goes on; no new
 * one is offered to a device out of service. Throws `not_found`, and `conflict` for bringing a retired device back without a reason.
 */
export async function updateDevice(
  tx: Tx,
  orgId: string,
  id: string,
  wanted: z.infer<typeof UpdateDevice>,
  actor: string,
): Promise<void> {
  const device = await lockDevice(tx, orgId, id);
  if (device === null) throw new Problem("not_found", `there is no device ${id} in this org`);
  const { reason, quarantine, lifecycle, name, tags } = wanted;
  if (device.lifecycle === "retired" && lifecycle !== undefined && reason === undefined) {
    throw new Problem("conflict", "say in `reason` why a retired device comes back");
  }
  const change: Partial<DeviceChange> = {
    ...(lifecycle === undefined || lifecycle === device.lifecycle ? {} : { lifecycle }),
    ...(name === undefined || name === device.name ? {} : { name }),
    ...(tags === undefined || sameTags(tags, device.tags) ? {} : { tags }),
    ...(quarantine === undefined || quarantine === device.quarantine
      ? {}
      : { quarantine, quarantineReason: quarantine === "none" ? null : (reason ?? null) }),
  };
  if (Object.keys(change).length === 0) return;
  await writeDeviceChange(tx, id, change);
  const from = Object.fromEntries(
    Object.keys(change)
      .filter((key) => key in device)
      .map((key) => [key, device[key as keyof typeof device]]),
  );
  await recordEvent(tx, {
    orgId,
    kind: kindOf(change),
    subjectKind: "device",
    subjectId: id,
    actor,
    data: { from, to: change, ...(reason === undefined ? {} : { reason }) },
  });
}

function kindOf(change: Partial<DeviceChange>): string {
  if (change.quarantine !== undefined) {
    return change.quarantine === "none" ? "device.released" : "device.quarantined";
  }
  return change.lifecycle === undefined ? "device.updated" : `device.${change.lifecycle}`;
}

function sameTags(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((tag, i) => tag === b[i]);
}
