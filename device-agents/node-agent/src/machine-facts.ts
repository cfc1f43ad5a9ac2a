import { availableParallelism, release, totalmem } from "node:os";
import type { MachineFacts } from "@benchfarm/contracts";
import {
  chassis,
  cpu,
  cpuFlags,
  graphics,
  osInfo,
  system,
  type Systeminformation,
} from "systeminformation";
import type { RunCommand } from "./command-host.js";
import {
  countCores,
  hasGraphicsDevice,
  parseCpuModel,
  parseIsaExtensions,
  readLogicalCpus,
  showsHypervisor,
} from "./machine-facts-linux.js";
import { readText } from "./read-text.js";

/** What does not change while the machine runs. */
export type StaticFacts = Omit<
  MachineFacts,
  "power" | "memoryBandwidthBytesPerSecond" | "memoryBandwidthMethod"
>;

/** Strings by which firmware says that it was not told. */
const PLACEHOLDER =
  /^(?:|-|unknown|docker container|none|default string|to be filled by o\.?e\.?m\.?|system (?:manufacturer|product name|version)|not (?:specified|available|applicable)|o\.?e\.?m\.?)$/i;

/** A text worth passing on, or null. */
export const told = (text: string | null | undefined): string | null => {
  const trimmed = (text ?? "").trim();
  return PLACEHOLDER.test(trimmed) ? null : trimmed;
};

const positive = (value: number | null | undefined): number | null =>
  value !== null && value !== undefined && Number.isInteger(value) && value > 0 ? value : null;

/** `sysctl hw.optional` of macOS: the `FEAT_*` and `neon` switches that are 1 (Apple silicon), sorted. */
export function parseAppleFeatures(sysctl: string): string[] | null {
  const names = [
    ...sysctl.matchAll(/^hw\.optional\.(?:arm\.)?(FEAT_\w+|neon|AdvSIMD|arm64):\s*1$/gm),
  ].map((match) => match[1] ?? "");
  return names.length === 0 ? null : [...new Set(names)].sort();
}

/** The GPUs that systeminformation found; an empty list only where it can be believed. */
export function gpusOf(
  controllers: readonly Partial<Systeminformation.GraphicsControllerData>[],
): NonNullable<MachineFacts["gpus"]> {
  return controllers.flatMap((controller) => {
    const name = told(controller.name) ?? told(controller.model);
    if (name === null) return [];
    const memoryMiB = controller.memoryTotal ?? controller.vram ?? null;
    return [
      {
        name,
        vendor: told(controller.vendor),
        memoryBytes: memoryMiB === null || memoryMiB <= 0 ? null : Math.round(memoryMiB * 2 ** 20),
        driver: told(controller.driverVersion),
      },
    ];
  });
}

/** What systeminformation answers, as far as it is used here. */
export interface SystemReport {
  cpu: Pick<
    Systeminformation.CpuData,
    "manufacturer" | "brand" | "cores" | "physicalCores" | "performanceCores" | "efficiencyCores"
  > | null;
  flags: string | null;
  system: Pick<
    Systeminformation.SystemData,
    "manufacturer" | "model" | "virtual" | "virtualHost"
  > | null;
  os: Pick<
    Systeminformation.OsData,
    "platform" | "distro" | "release" | "build" | "kernel" | "arch"
  > | null;
  chassis: Pick<Systeminformation.ChassisData, "type"> | null;
  controllers: Partial<Systeminformation.GraphicsControllerData>[] | null;
}

/** Reports of the running system, a failing one as null. */
export async function readSystemReport(): Promise<SystemReport> {
  const orNull = <T>(reading: Promise<T>) => reading.catch(() => null);
  const [cpuData, flags, systemData, os, chassisData, graphicsData] = await Promise.all([
    orNull(cpu()),
    orNull(cpuFlags()),
    orNull(system()),
    orNull(osInfo()),
    orNull(chassis()),
    orNull(graphics()),
  ]);
  return {
    cpu: cpuData,
    flags,
    system: systemData,
    os,
    chassis: chassisData,
    controllers: graphicsData?.controllers ?? null,
  };
}

/** Own probes, where systeminformation lacks a fact or guesses one. */
export interface OwnProbes {
  cpuinfo: string | null;
  logicalCpus: Awaited<ReturnType<typeof readLogicalCpus>>;
  appleSysctl: string | null;
  /** Null where it is not looked for, or cannot be told. */
  hasGraphicsDevice: boolean | null;
  logicalCores: number;
  memoryBytes: number;
  kernel: string;
  platform: string;
  architecture: string;
}

export async function readOwnProbes(
  platform: string,
  architecture: string,
  run: RunCommand,
): Promise<OwnProbes> {
  return {
    cpuinfo: platform === "linux" ? await readText("/proc/cpuinfo") : null,
    logicalCpus: platform === "linux" ? await readLogicalCpus() : [],
    appleSysctl: platform === "darwin" ? await run("sysctl", ["hw.optional"]) : null,
    hasGraphicsDevice: platform === "linux" ? await hasGraphicsDevice() : null,
    logicalCores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    platform,
    architecture,
  };
}

/** Joins both into what the agent says of the machine. What neither knows is null. */
export function staticFactsOf(report: SystemReport, probes: OwnProbes): StaticFacts {
  const onLinux = probes.platform === "linux";
  const cores = onLinux
    ? countCores(probes.logicalCpus)
    : {
        physicalCores: positive(report.cpu?.physicalCores),
        // systeminformation gives all cores as performance cores where there is one kind only.
        performanceCores:
          positive(report.cpu?.efficiencyCores) && positive(report.cpu?.performanceCores),
        efficiencyCores: positive(report.cpu?.efficiencyCores),
      };
  const [manufacturer, brand] = [told(report.cpu?.manufacturer), told(report.cpu?.brand)];
  const cpuinfoModel = told(parseCpuModel(probes.cpuinfo ?? ""));
  const joined =
    brand === null ? null : [manufacturer, brand].filter((part) => part !== null).join(" ");
  return {
    manufacturer: told(report.system?.manufacturer),
    product: told(report.system?.model),
    formFactor: told(report.chassis?.type)?.toLowerCase() ?? null,
    virtualisation: virtualisationOf(report, probes),
    cpuModel: cpuinfoModel ?? joined,
    cpuVendor: manufacturer,
    ...cores,
    logicalCores:
      positive(
        onLinux && probes.logicalCpus.length > 0 ? probes.logicalCpus.length : report.cpu?.cores,
      ) ?? probes.logicalCores,
    isaExtensions: isaExtensionsOf(report, probes),
    memoryBytes: positive(probes.memoryBytes),
    gpus: knownGpus(report, probes),
    os: {
      platform: probes.platform,
      name: told(report.os?.distro),
      version: told(report.os?.release),
      build: told(report.os?.build),
      kernel: told(report.os?.kernel) ?? told(probes.kernel),
      architecture: probes.architecture,
    },
  };
}

/** An empty list only where the machine was seen to have none: a tool that is not installed finds nothing either. */
function knownGpus(report: SystemReport, probes: OwnProbes): MachineFacts["gpus"] {
  const gpus = report.controllers === null ? [] : gpusOf(report.controllers);
  if (gpus.length > 0) return gpus;
  return probes.hasGraphicsDevice === false ? [] : null;
}

/** `none` on a real machine, the hypervisor's name where it is known, `unknown hypervisor` where it only shows itself. */
function virtualisationOf(report: SystemReport, probes: OwnProbes): string | null {
  const named = told(report.system?.virtualHost);
  if (report.system?.virtual === true) return (named ?? "unknown hypervisor").toLowerCase();
  if (probes.cpuinfo !== null && showsHypervisor(probes.cpuinfo)) {
    return (named ?? "unknown hypervisor").toLowerCase();
  }
  return report.system?.virtual === false ? "none" : null;
}

function isaExtensionsOf(report: SystemReport, probes: OwnProbes): string[] | null {
  if (probes.cpuinfo !== null) return parseIsaExtensions(probes.cpuinfo);
  if (probes.platform === "darwin" && probes.architecture === "arm64") {
    return parseAppleFeatures(probes.appleSysctl ?? "");
  }
  // On Windows it reads a registry value that leaves most features out: no answer is better.
  if (probes.platform !== "darwin" || report.flags === null) return null;
  const flags = report.flags.replaceAll(".", "_");
  return flags === "" ? null : parseIsaExtensions(`flags : ${flags}`);
}
