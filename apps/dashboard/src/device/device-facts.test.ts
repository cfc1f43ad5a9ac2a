import type { MachineFacts } from "@benchfarm/contracts";
import { coreWords, deviceFactRows, deviceSentence } from "./device-facts.js";

const facts: MachineFacts = {
  manufacturer: null,
  product: null,
  formFactor: null,
  virtualisation: null,
  cpuModel: "AMD EPYC",
  cpuVendor: null,
  physicalCores: 8,
  logicalCores: 8,
  performanceCores: 4,
  efficiencyCores: 4,
  isaExtensions: ["avx2", "fma"],
  memoryBytes: 16 * 1024 ** 3,
  memoryBandwidthBytesPerSecond: 21_400_000_000,
  memoryBandwidthMethod: null,
  gpus: [],
  os: {
    platform: "linux",
    name: "Debian",
    version: "12",
    build: null,
    kernel: "6.1",
    architecture: "x64",
  },
  power: { source: null, batteryPercent: null },
};

it("says what is known of a machine, and keeps unknown apart from none", () => {
  const rows = Object.fromEntries(deviceFactRows({ facts }));
  expect(rows["cores"]).toBe("8 cores (4 performance + 4 efficiency), 8 threads");
  expect(rows["memory bandwidth, measured"]).toBe("21.4 GB/s");
  expect(rows["GPUs"]).toBe("none");
  expect(rows["manufacturer"]).toBeNull();
  expect(rows["power"]).toBeNull();
  expect(rows["system"]).toBe("Debian 12, x64");
  expect(coreWords({ facts: { ...facts, physicalCores: null, logicalCores: null } })).toBeNull();
  expect(
    Object.fromEntries(deviceFactRows({ facts: { ...facts, gpus: null } }))["GPUs"],
  ).toBeNull();
});

it("says whether a device takes work", () => {
  expect(deviceSentence({ eligible: true, ineligibleReason: null, currentRunId: null })).toBe(
    "Could take a run now.",
  );
  expect(
    deviceSentence({ eligible: false, ineligibleReason: "quarantined", currentRunId: null }),
  ).toBe("quarantined");
});
