import { createHash } from "node:crypto";
import { canonicalJson, type DeviceEngine, type RunTarget } from "@benchfarm/contracts";

/** What a device must be to serve a run. Runs with equal requirements share one match key. */
export interface Requirement {
  orgId: string;
  engine: string;
  engineVersion: string | null;
  backend: string;
  deviceId: string | null;
  skuId: string | null;
}

/** What matching looks at in a device. */
export interface DeviceDimensions {
  id: string;
  orgId: string;
  skuId: string;
  engines: Pick<DeviceEngine, "adapter" | "version" | "backends">[];
}

/** The requirement of a run with this target. */
export function requirementOf(
  orgId: string,
  target: Pick<RunTarget, "engine" | "engineVersion" | "backend" | "deviceId" | "skuId">,
): Requirement {
  const { engine, engineVersion, backend, deviceId, skuId } = target;
  return { orgId, engine, engineVersion, backend, deviceId, skuId };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The identity of a requirement: SHA-256 of its canonical JSON, hex. */
export function matchKeyOf(requirement: Requirement): string {
  return sha256(canonicalJson(requirement));
}

/** Digest of a device's dimensions; unchanged digest, unchanged matches. */
export function dimensionsDigest(device: DeviceDimensions): string {
  const engines = device.engines
    .map(({ adapter, version, backends }) =>
      canonicalJson({ adapter, version, backends: [...backends].sort() }),
    )
    .sort();
  return sha256(canonicalJson([device.id, device.orgId, device.skuId, engines]));
}

/**
 * The first way in which a device does not meet a requirement, as the end of a sentence that starts with its name, or null when it
 * meets it. Its SQL twin is `meetsSql` in device-match.store.ts; a test holds the two together.
 */
export function unmetBy(device: DeviceDimensions, requirement: Requirement): string | null {
  const { engine, engineVersion, backend } = requirement;
  if (device.orgId !== requirement.orgId) return "belongs to another org";
  if (requirement.deviceId !== null && requirement.deviceId !== device.id) {
    return "is not the device that was asked for";
  }
  if (requirement.skuId !== null && requirement.skuId !== device.skuId) {
    return "is other hardware than was asked for";
  }
  const installed = device.engines.filter((e) => e.adapter === engine);
  if (installed.length === 0) return `does not have the engine ${engine}`;
  const versions = installed.filter((e) => engineVersion === null || e.version === engineVersion);
  if (versions.length === 0) {
    return `has ${engine} ${installed.map((e) => e.version).join(", ")}, not ${engineVersion}`;
  }
  if (!versions.some((e) => e.backends.some((b) => b === backend))) {
    return `does not offer the backend ${backend} with ${engine}`;
  }
  return null;
}
