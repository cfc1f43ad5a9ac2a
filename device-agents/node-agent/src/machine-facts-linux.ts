import { readdir } from "node:fs/promises";
import { readText } from "./read-text.js";

/** CPU features that change how fast inference kernels are; the rest of the flags says nothing to us. */
const RELEVANT =
  /^(?:sse3|pni|ssse3|sse4_1|sse4_2|avx|avx2|avx_vnni|avx512\w*|avx10\w*|amx_\w+|f16c|fma|bmi2|asimd|asimdhp|asimddp|fphp|i8mm|bf16|sve\w*|sme\d?(?:_\w+)?|neon|vfpv4|v|zvfh|rvv)$/;

/** The `flags` (x86) or `Features` (arm) of /proc/cpuinfo that matter, sorted; null when there is no such line. */
export function parseIsaExtensions(cpuinfo: string): string[] | null {
  const line = /^(?:flags|Features)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1];
  if (line === undefined) return null;
  return [...new Set(line.split(/\s+/).filter((flag) => RELEVANT.test(flag)))].sort();
}

/** The model line of /proc/cpuinfo, where the architecture has one. */
export function parseCpuModel(cpuinfo: string): string | null {
  return (
    /^(?:model name|Model|cpu model|Processor)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim() ?? null
  );
}

/** Whether a hypervisor shows itself to the processor (x86 only). */
export function showsHypervisor(cpuinfo: string): boolean {
  return /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo);
}

/** One logical processor as /sys/devices/system/cpu shows it. */
export interface LogicalCpu {
  packageId: string | null;
  coreId: string | null;
  /** The scheduler's relative capacity, present where cores differ (arm). */
  capacity: number | null;
}

export interface CoreCounts {
  physicalCores: number | null;
  performanceCores: number | null;
  efficiencyCores: number | null;
}

/** Cores are distinct (package, core) pairs; the largest capacity is a performance core. Unknown where sysfs does not tell. */
export function countCores(cpus: readonly LogicalCpu[]): CoreCounts {
  const known = cpus.every((cpu) => cpu.coreId !== null && cpu.packageId !== null);
  const cores = new Set(cpus.map((cpu) => `${cpu.packageId}/${cpu.coreId}`));
  const capacities = cpus.flatMap(({ capacity }) => (capacity === null ? [] : [capacity]));
  const most = Math.max(...capacities);
  const differ = capacities.length === cpus.length && capacities.some((value) => value < most);
  return {
    physicalCores: known && cpus.length > 0 ? cores.size : null,
    performanceCores: differ ? capacities.filter((value) => value === most).length : null,
    efficiencyCores: differ ? capacities.filter((value) => value < most).length : null,
  };
}

/** The online processors of this machine. */
export async function readLogicalCpus(root = "/sys/devices/system/cpu"): Promise<LogicalCpu[]> {
  const names = await readdir(root).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => /^cpu\d+$/.test(name))
      .map(async (name) => {
        const coreId = await readText(`${root}/${name}/topology/core_id`);
        const capacity = Number(await readText(`${root}/${name}/cpu_capacity`));
        return {
          packageId: await readText(`${root}/${name}/topology/physical_package_id`),
          coreId,
          capacity: Number.isFinite(capacity) && capacity > 0 ? capacity : null,
        };
      }),
  );
  // A processor that is offline has no topology.
  return found.filter((cpu) => cpu.coreId !== null);
}

/**
 * Whether the machine has anything that could be a GPU: a PCI display controller or processing accelerator (class 03 or 12), or a
 * device of the graphics subsystem. Null where the kernel shows neither.
 */
export async function hasGraphicsDevice(root = "/sys"): Promise<boolean | null> {
  const list = (path: string) => readdir(path).catch(() => null);
  const devices = await list(`${root}/bus/pci/devices`);
  const cards = await list(`${root}/class/drm`);
  if (cards?.some((name) => /^(?:card|renderD)\d+$/.test(name)) === true) return true;
  if (devices === null) return cards === null ? null : false;
  const classes = await Promise.all(
    devices.map((name) => readText(`${root}/bus/pci/devices/${name}/class`)),
  );
  return classes.some((code) => /^0x(?:03|12)/.test(code ?? ""));
}
