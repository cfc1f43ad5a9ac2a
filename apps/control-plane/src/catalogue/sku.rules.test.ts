import { skuKey, skuName, type SkuFacts } from "./sku.rules.js";

const GIBIBYTE = 1024 ** 3;
const facts = (over: Partial<SkuFacts> = {}): SkuFacts => ({
  formFactor: "laptop",
  manufacturer: "Apple",
  product: "MacBook Pro",
  cpuModel: "Apple M3 Pro",
  physicalCores: 11,
  logicalCores: 11,
  memoryBytes: 18 * GIBIBYTE,
  architecture: "arm64",
  virtualisation: null,
  gpus: [{ name: "Apple M3 Pro", vendor: "Apple", memoryBytes: null, driver: null }],
  ...over,
});

describe("kinds of hardware", () => {
  it("are the same whatever the system's software says", () => {
    const one = facts({ memoryBytes: 16.4 * GIBIBYTE });
    const gpu = { name: "RTX", vendor: "NVIDIA", memoryBytes: 8, driver: "550" };
    expect(skuKey(facts({ memoryBytes: 16.1 * GIBIBYTE }))).toBe(skuKey(one));
    expect(skuKey(facts({ gpus: [gpu] }))).toBe(
      skuKey(facts({ gpus: [{ ...gpu, driver: "560" }] })),
    );
  });

  it.each([
    { cpuModel: "Apple M3" },
    { physicalCores: 12 },
    { memoryBytes: 36 * GIBIBYTE },
    { memoryBytes: null },
    { virtualisation: "kvm" },
    { gpus: [] },
  ])("differ by %j", (change) => {
    expect(skuKey(facts(change))).not.toBe(skuKey(facts()));
  });

  it.each<[string, Partial<SkuFacts>]>([
    ["Apple MacBook Pro, Apple M3 Pro (11 cores), Apple M3 Pro, 18 GiB", {}],
    [
      "Intel Core i7-8550U (4 cores), 16 GiB",
      {
        manufacturer: "To Be Filled By O.E.M.",
        product: "System Product Name",
        cpuModel: "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz",
        physicalCores: 4,
        memoryBytes: 15.6 * GIBIBYTE,
        gpus: [],
      },
    ],
    [
      "unknown x64 machine",
      {
        manufacturer: null,
        product: null,
        cpuModel: null,
        memoryBytes: null,
        architecture: "x64",
        gpus: [],
      },
    ],
  ])("are called %s", (name, change) => {
    expect(skuName(facts(change))).toBe(name);
  });
});
