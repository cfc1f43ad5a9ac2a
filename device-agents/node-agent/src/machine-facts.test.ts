import {
  countCores,
  parseCpuModel,
  parseIsaExtensions,
  showsHypervisor,
  type LogicalCpu,
} from "./machine-facts-linux.js";
import {
  gpusOf,
  parseAppleFeatures,
  staticFactsOf,
  type OwnProbes,
  type SystemReport,
} from "./machine-facts.js";
import { parseIoregUuid, parseMachineGuid } from "./machine-id.js";

const NOTHING: SystemReport = {
  cpu: null,
  flags: null,
  system: null,
  os: null,
  chassis: null,
  controllers: null,
};
const probes = (over: Partial<OwnProbes> = {}): OwnProbes => ({
  cpuinfo: null,
  logicalCpus: [],
  appleSysctl: null,
  hasGraphicsDevice: null,
  logicalCores: 8,
  memoryBytes: 17_179_869_184,
  kernel: "",
  platform: "linux",
  architecture: "x64",
  ...over,
});

describe("facts of a machine", () => {
  it("are null where nothing is known", () => {
    const facts = staticFactsOf(NOTHING, probes({ platform: "win32" }));
    expect(facts).toMatchObject({
      manufacturer: null,
      product: null,
      formFactor: null,
      virtualisation: null,
      cpuModel: null,
      physicalCores: null,
      performanceCores: null,
      isaExtensions: null,
      gpus: null,
      os: { platform: "win32", name: null, build: null, kernel: null },
    });
    expect(facts.logicalCores).toBe(8);
  });

  // As systeminformation 5 reports an M3 Pro on macOS.
  it("of a MacBook are read from its own interfaces", () => {
    const facts = staticFactsOf(
      {
        cpu: {
          manufacturer: "Apple",
          brand: "M3 Pro",
          cores: 12,
          physicalCores: 12,
          performanceCores: 6,
          efficiencyCores: 6,
        },
        flags: "",
        system: { manufacturer: "Apple Inc.", model: "Mac15,6", virtual: false, virtualHost: "" },
        os: {
          platform: "darwin",
          distro: "macOS",
          release: "14.5",
          build: "23F79",
          kernel: "23.5.0",
          arch: "arm64",
        },
        chassis: { type: "Notebook" },
        controllers: [{ vendor: "Apple", model: "Apple M3 Pro", vram: null }],
      },
      probes({
        platform: "darwin",
        architecture: "arm64",
        appleSysctl:
          "hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 1\nhw.optional.arm.FEAT_SME: 0\nhw.optional.neon: 1\n",
      }),
    );
    expect(facts).toMatchObject({
      product: "Mac15,6",
      formFactor: "notebook",
      virtualisation: "none",
      cpuModel: "Apple M3 Pro",
      physicalCores: 12,
      performanceCores: 6,
      efficiencyCores: 6,
      isaExtensions: ["FEAT_DotProd", "FEAT_I8MM", "neon"],
      gpus: [{ name: "Apple M3 Pro", vendor: "Apple", memoryBytes: null, driver: null }],
      os: { name: "macOS", version: "14.5", build: "23F79" },
    });
  });

  // As systeminformation 5 reports a desktop on Windows 11.
  it("of a Windows machine leave out what firmware did not say", () => {
    const facts = staticFactsOf(
      {
        cpu: {
          manufacturer: "Intel",
          brand: "Core™ i7-12700",
          cores: 20,
          physicalCores: 12,
          performanceCores: 8,
          efficiencyCores: 4,
        },
        flags: "de pse mce sep mtrr mmx fxsr sse sse2",
        system: {
          manufacturer: "To Be Filled By O.E.M.",
          model: "System Product Name",
          virtual: false,
          virtualHost: "",
        },
        os: {
          platform: "win32",
          distro: "Microsoft Windows 11 Pro",
          release: "10.0.22631",
          build: "22631",
          kernel: "10.0.22631",
          arch: "x64",
        },
        chassis: { type: "Desktop" },
        controllers: [
          {
            vendor: "NVIDIA",
            model: "NVIDIA GeForce RTX 4070",
            vram: 12282,
            driverVersion: "555.85",
          },
        ],
      },
      probes({ platform: "win32" }),
    );
    expect(facts).toMatchObject({
      manufacturer: null,
      product: null,
      cpuModel: "Intel Core™ i7-12700",
      logicalCores: 20,
      isaExtensions: null,
      gpus: [{ name: "NVIDIA GeForce RTX 4070", memoryBytes: 12282 * 2 ** 20, driver: "555.85" }],
      os: { name: "Microsoft Windows 11 Pro", build: "22631" },
    });
  });

  it("of a virtual machine name its hypervisor, or that there is one", () => {
    const system = { manufacturer: "", model: "", virtual: true, virtualHost: "KVM" };
    expect(staticFactsOf({ ...NOTHING, system }, probes()).virtualisation).toBe("kvm");
    const cpuinfo = "flags\t\t: fpu hypervisor avx2\n";
    expect(staticFactsOf(NOTHING, probes({ cpuinfo })).virtualisation).toBe("unknown hypervisor");
  });

  it("name no GPU only where the machine was seen to have none", () => {
    const of = (hasGraphicsDevice: boolean | null) =>
      staticFactsOf({ ...NOTHING, controllers: [] }, probes({ hasGraphicsDevice })).gpus;
    expect(of(false)).toEqual([]);
    expect(of(true)).toBeNull();
    expect(of(null)).toBeNull();
    expect(gpusOf([{ model: "", vendor: "" }])).toEqual([]);
  });
});

describe("Linux's own interfaces", () => {
  it("give features, model and hypervisor from /proc/cpuinfo of x86 and arm", () => {
    const x86 =
      "model name\t: AMD EPYC\nflags\t\t: fpu avx2 smep avx512_vnni f16c hypervisor fma\n";
    expect(parseIsaExtensions(x86)).toEqual(["avx2", "avx512_vnni", "f16c", "fma"]);
    expect(parseCpuModel(x86)).toBe("AMD EPYC");
    expect(showsHypervisor(x86)).toBe(true);
    const arm =
      "processor\t: 0\nFeatures\t: fp asimd evtstrm asimdhp asimddp\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n";
    expect(parseIsaExtensions(arm)).toEqual(["asimd", "asimddp", "asimdhp"]);
    expect(parseCpuModel(arm)).toBe("Raspberry Pi 5 Model B Rev 1.0");
    expect(parseIsaExtensions("processor : 0\n")).toBeNull();
  });

  it("give cores: threads of one core count once, and unequal capacities are two kinds", () => {
    const cpu = (coreId: string, capacity: number | null = null): LogicalCpu => ({
      packageId: "0",
      coreId,
      capacity,
    });
    expect(countCores([cpu("0"), cpu("0"), cpu("1"), cpu("1")])).toEqual({
      physicalCores: 2,
      performanceCores: null,
      efficiencyCores: null,
    });
    const big = [0, 1, 2, 3].map((id) => cpu(String(id), 1024));
    const little = [4, 5, 6, 7].map((id) => cpu(String(id), 380));
    expect(countCores([...little, ...big])).toEqual({
      physicalCores: 8,
      performanceCores: 4,
      efficiencyCores: 4,
    });
    expect(countCores([]).physicalCores).toBeNull();
  });
});

describe("the system's machine id", () => {
  it("is found in what macOS and Windows print", () => {
    const ioreg = `  "IOPlatformUUID" = "5D2C8F3A-1B2C-4D5E-8F90-A1B2C3D4E5F6"\n`;
    expect(parseIoregUuid(ioreg)).toBe("5D2C8F3A-1B2C-4D5E-8F90-A1B2C3D4E5F6");
    const registry =
      "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography\r\n    MachineGuid    REG_SZ    0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\r\n";
    expect(parseMachineGuid(registry)).toBe("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    expect(parseIoregUuid("")).toBeNull();
    expect(parseMachineGuid("ERROR: The system was unable to find it")).toBeNull();
  });

  it("of Apple features needs a switch that is on", () => {
    expect(parseAppleFeatures("hw.optional.arm.FEAT_SME: 0\n")).toBeNull();
  });
});
