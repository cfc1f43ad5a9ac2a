import { newId, type EffectiveSettings, type ResultSubmission } from "@benchfarm/contracts";
import { cellKeyOf, comparisonKey, type KeyInput } from "./comparison-key.rules.js";
import {
  conditions,
  DECODE,
  fakeSha256,
  machineFacts,
  sample,
  submission,
} from "./farm-rows.fixture.js";

const SHA = fakeSha256("model");
const base: KeyInput = {
  skuId: newId("sku"),
  cooling: "as_sold",
  simulated: false,
  facts: machineFacts(),
  modelSha256: SHA,
  engineId: newId("engine"),
  workloadDigest: fakeSha256("workload"),
  requestedBackend: "cpu",
  submission: submission(DECODE, SHA),
  failed: false,
};
const keyOf = (over: Partial<KeyInput> = {}) => comparisonKey({ ...base, ...over });
const withSubmission = (over: Partial<ResultSubmission>) =>
  keyOf({ submission: { ...base.submission, ...over } });
const withSettings = (over: Partial<EffectiveSettings>) =>
  withSubmission({ settings: { ...base.submission.settings!, ...over } });

test("every part of the comparison changes the cell", () => {
  const keys = [
    keyOf(),
    keyOf({ skuId: newId("sku") }),
    keyOf({ cooling: "active_1" }),
    keyOf({ simulated: true }),
    keyOf({ modelSha256: fakeSha256("other") }),
    keyOf({ engineId: newId("engine") }),
    keyOf({ workloadDigest: fakeSha256("other") }),
    withSubmission({ effectiveBackend: "vulkan" }),
    withSettings({ threads: 4 }),
    withSettings({ cacheTypeK: "q8_0" }),
  ].map(cellKeyOf);
  expect(new Set(keys).size).toBe(keys.length);
});

test("what is spelt differently and means the same is the same cell", () => {
  expect(cellKeyOf(withSettings({ flashAttention: "1" }))).toBe(
    cellKeyOf(withSettings({ flashAttention: "ON" })),
  );
  expect(cellKeyOf(withSettings({ cacheTypeK: "F16" }))).toBe(cellKeyOf(keyOf()));
  expect(cellKeyOf(withSettings({ gpuLayers: 99 }))).toBe(cellKeyOf(keyOf()));
});

test("offloaded layers count where there is an accelerator", () => {
  const layers = (gpuLayers: number) =>
    keyOf({
      submission: {
        ...base.submission,
        effectiveBackend: "cuda",
        settings: { ...base.submission.settings!, gpuLayers },
      },
    });
  expect(cellKeyOf(layers(10))).not.toBe(cellKeyOf(layers(20)));
});

test("the power profile is what the readings say, else what the device says of itself", () => {
  const readings = (powerSource: "mains" | "charging" | "battery" | null) =>
    withSubmission({
      samples: [1, 2].map((index) =>
        sample(DECODE, index, {
          before: conditions({ powerSource }),
          after: conditions({ powerSource }),
        }),
      ),
    }).powerProfile;
  expect(readings("battery")).toBe("battery");
  expect(readings("charging")).toBe("mains");
  expect(readings(null)).toBe("mains");
  const unknown = machineFacts({ power: { source: null, batteryPercent: null } });
  expect(
    keyOf({ facts: unknown, submission: { ...base.submission, samples: [] } }).powerProfile,
  ).toBe("unknown");
});

test("a failure belongs to the backend that was asked for", () => {
  const failed = { ...base.submission, effectiveBackend: "cpu" as const, settings: null };
  expect(keyOf({ failed: true, requestedBackend: "cuda", submission: failed })).toMatchObject({
    backend: "cuda",
    settings: { threads: null },
  });
});
