import { randomInt } from "node:crypto";
import type { DeviceDescription } from "@benchfarm/contracts";
import { availabilityAfterReport, healthAfterDescription, protocolFault } from "./device.rules.js";
import { enrolmentCodeDigest, judgeEnrolment, newEnrolmentCode } from "./enrolment.rules.js";
import { dimensionsDigest, matchKeyOf, unmetBy, type Requirement } from "./requirement.rules.js";

const engine = { adapter: "llama-cpp", version: "b1", backends: ["cpu" as const] };
const device = { id: "dev_1", orgId: "org_1", skuId: "sku_1", engines: [engine] };
const requirement: Requirement = {
  orgId: "org_1",
  engine: "llama-cpp",
  engineVersion: null,
  backend: "cpu",
  deviceId: null,
  skuId: "sku_1",
};

describe("requirements", () => {
  it("say first what is not met", () => {
    expect(unmetBy(device, requirement)).toBeNull();
    expect(unmetBy(device, { ...requirement, orgId: "org_2" })).toMatch(/another org/);
    expect(unmetBy(device, { ...requirement, deviceId: "dev_2" })).toMatch(/not the device/);
    expect(unmetBy(device, { ...requirement, skuId: "sku_2" })).toMatch(/other hardware/);
    expect(unmetBy(device, { ...requirement, engine: "mlx" })).toMatch(/engine mlx/);
    expect(unmetBy(device, { ...requirement, engineVersion: "b2" })).toBe(
      "has llama-cpp b1, not b2",
    );
    expect(unmetBy(device, { ...requirement, backend: "cuda" })).toMatch(/backend cuda/);
  });

  it("have one key per content, whatever the order of members", () => {
    const turned = Object.fromEntries(Object.entries(requirement).reverse());
    expect(matchKeyOf(turned as unknown as Requirement)).toBe(matchKeyOf(requirement));
    expect(matchKeyOf({ ...requirement, backend: "cuda" })).not.toBe(matchKeyOf(requirement));
  });

  it("see a device change only where they look", () => {
    const before = dimensionsDigest(device);
    expect(dimensionsDigest({ ...device, engines: [{ ...engine }] })).toBe(before);
    expect(dimensionsDigest({ ...device, engines: [{ ...engine, version: "b2" }] })).not.toBe(
      before,
    );
    expect(dimensionsDigest({ ...device, skuId: "sku_2" })).not.toBe(before);
  });
});

describe("enrolment codes", () => {
  it("are four groups of four unambiguous symbols, and read back however they are typed", () => {
    const draw = (below: number) => randomInt(below);
    const code = newEnrolmentCode(draw);
    expect(code).toMatch(/^([2-9A-HJKMNP-TV-Z]{4}-){3}[2-9A-HJKMNP-TV-Z]{4}$/);
    expect(enrolmentCodeDigest(` ${code.toLowerCase().replaceAll("-", " ")}`)).toBe(
      enrolmentCodeDigest(code),
    );
    expect(new Set(Array.from({ length: 200 }, () => newEnrolmentCode(draw))).size).toBe(200);
  });

  it.each([
    [{ expired: false, usedByKey: null, maxDevices: 2 }, 1, "exchange"],
    [{ expired: false, usedByKey: null, maxDevices: 2 }, 3, "too_many_devices"],
    [{ expired: true, usedByKey: null, maxDevices: 2 }, 1, "expired"],
    [{ expired: true, usedByKey: "mine", maxDevices: 2 }, 1, "repeat"],
    [{ expired: false, usedByKey: "other", maxDevices: 2 }, 1, "used"],
  ] as const)("%j with %i devices: %s", (enrolment, count, verdict) => {
    expect(judgeEnrolment(enrolment, "mine", count)).toBe(verdict);
  });
});

it("an unknown device counts as good once it is described, and no other does", () => {
  const description = { engines: [engine] } as unknown as DeviceDescription;
  expect(healthAfterDescription("unknown", description)).toMatchObject({ health: "good" });
  expect(healthAfterDescription("bad", description)).toEqual({ health: "bad", note: null });
  const empty = { engines: [] } as unknown as DeviceDescription;
  expect(healthAfterDescription("unknown", empty).health).toBe("unknown");
});

it("an agent's word neither begins nor ends a lease", () => {
  expect(availabilityAfterReport("leased", "ready")).toBe("leased");
  expect(availabilityAfterReport("cleaning", "leased")).toBe("cleaning");
  expect(availabilityAfterReport("cleaning", "ready")).toBe("ready");
});

it("agents of another time are told what to upgrade", () => {
  expect(protocolFault(1)).toBeNull();
  expect(protocolFault(0)).toMatch(/upgrade benchfarm on the device/);
  expect(protocolFault(99)).toMatch(/upgrade the farm/);
});
