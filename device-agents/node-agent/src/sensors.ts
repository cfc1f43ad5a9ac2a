import { readdir } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import type { Conditions } from "@benchfarm/contracts";
import type { RunCommand } from "./command-host.js";
import { parseProcStat, sharesBetween, ticksOfCpus, type CpuTicks } from "./cpu-ticks.js";
import type { PowerState } from "./power-state.js";
import { readPowerState } from "./power-state.js";
import { readText } from "./read-text.js";

/** Bytes of /proc/meminfo's fields (proc_meminfo(5)); null where one is missing. */
export function parseMeminfo(text: string): {
  availableBytes: number | null;
  swapUsedBytes: number | null;
} {
  const bytes = (field: string) => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  };
  const [swapTotal, swapFree] = [bytes("SwapTotal"), bytes("SwapFree")];
  return {
    availableBytes: bytes("MemAvailable"),
    swapUsedBytes: swapTotal === null || swapFree === null ? null : swapTotal - swapFree,
  };
}

/** `vm_stat` of macOS: free, inactive, speculative and purgeable pages can be had at once. */
export function parseVmStat(text: string): number | null {
  const pageBytes = Number(/page size of (\d+) bytes/.exec(text)?.[1]);
  const pages = (name: string) =>
    Number(new RegExp(`^Pages ${name}:\\s+(\\d+)\\.`, "m").exec(text)?.[1]);
  const total = pages("free") + pages("inactive") + pages("speculative") + pages("purgeable");
  return Number.isFinite(total * pageBytes) ? total * pageBytes : null;
}

/** `sysctl vm.swapusage` of macOS: `total = 2048.00M  used = 1013.25M  free = 1034.75M`. */
export function parseSwapUsage(text: string): number | null {
  const used = /used = (\d+(?:\.\d+)?)M/.exec(text)?.[1];
  return used === undefined ? null : Math.round(Number(used) * 2 ** 20);
}

/** `pmset -g therm` of macOS: a CPU_Speed_Limit under 100 means that the system holds the processor back. */
export function parsePmsetTherm(text: string): string | null {
  const limit = /CPU_Speed_Limit\s*=\s*(\d+)/.exec(text)?.[1];
  if (limit !== undefined) return Number(limit) >= 100 ? "nominal" : "limited";
  return /No thermal warning level has been recorded/i.test(text) ? "nominal" : null;
}

/** `Get-CimInstance Win32_OperatingSystem` and `Win32_PageFileUsage` of Windows as JSON: kibibytes free, mebibytes of page file used. */
export function parseWindowsMemory(text: string): {
  availableBytes: number | null;
  swapUsedBytes: number | null;
} {
  const number = (name: string) => {
    const value = new RegExp(`"${name}"\\s*:\\s*(\\d+)`).exec(text)?.[1];
    return value === undefined ? null : Number(value);
  };
  const [free, paged] = [number("FreePhysicalMemory"), number("PageFileUsedMiB")];
  return {
    availableBytes: free === null ? null : free * 1024,
    swapUsedBytes: paged === null ? null : paged * 2 ** 20,
  };
}

const WINDOWS_MEMORY =
  "$o = Get-CimInstance Win32_OperatingSystem; $p = (Get-CimInstance Win32_PageFileUsage | Measure-Object CurrentUsage -Sum).Sum; " +
  "@{ FreePhysicalMemory = $o.FreePhysicalMemory; PageFileUsedMiB = [int]$p } | ConvertTo-Json -Compress";

const numberOf = (text: string | null): number | null => {
  const value = text === null || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
};

/** Readings that commands must make are as old as this at most: starting a program is itself a load. */
const COMMAND_AGE_MS = 5_000;

export interface SensorOptions {
  platform: string;
  run: RunCommand;
  monotonicMs: () => number;
}

/** Looks at the machine; each look gives shares of time since the one before. */
export class Sensors {
  private ticks: CpuTicks | null = null;
  private slow: { atMs: number; value: SlowReadings } | null = null;

  constructor(private readonly options: SensorOptions) {}

  async read(): Promise<Conditions> {
    const before = this.ticks;
    const onLinux = this.options.platform === "linux";
    const slow = await this.readSlow();
    const meminfo = onLinux ? parseMeminfo((await readText("/proc/meminfo")) ?? "") : null;
    const frequencies = onLinux ? await readFrequencies() : null;
    const governor = onLinux
      ? await readText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
      : null;
    const temperatures = onLinux ? await readThermalZones() : null;
    const [load] = loadavg();
    // Last, so that the reading's own work falls into the window that it ends.
    this.ticks = onLinux
      ? parseProcStat((await readText("/proc/stat")) ?? "")
      : ticksOfCpus(cpus());
    const shares = sharesBetween(before, this.ticks);
    return {
      temperaturesCelsius: temperatures,
      thermalStatus: slow.thermalStatus,
      // Windows has no load average; Node answers 0 there.
      loadAverage1m: this.options.platform === "win32" ? null : (load ?? null),
      cpuBusyFraction: shares.busyFraction,
      cpuStealFraction: shares.stealFraction,
      cpuFrequenciesMHz: frequencies,
      governor,
      memoryAvailableBytes: meminfo?.availableBytes ?? slow.memoryAvailableBytes,
      swapUsedBytes: meminfo?.swapUsedBytes ?? slow.swapUsedBytes,
      powerSource: slow.power.source,
      batteryPercent: slow.power.batteryPercent,
    };
  }

  private async readSlow(): Promise<SlowReadings> {
    const nowMs = this.options.monotonicMs();
    if (this.slow === null || nowMs - this.slow.atMs > COMMAND_AGE_MS) {
      this.slow = {
        atMs: nowMs,
        value: await readByCommands(this.options.platform, this.options.run),
      };
    }
    return this.slow.value;
  }
}

interface SlowReadings {
  thermalStatus: string | null;
  memoryAvailableBytes: number | null;
  swapUsedBytes: number | null;
  power: PowerState;
}

async function readByCommands(platform: string, run: RunCommand): Promise<SlowReadings> {
  const power = await readPowerState(platform, run);
  if (platform === "darwin") {
    return {
      thermalStatus: parsePmsetTherm((await run("pmset", ["-g", "therm"])) ?? ""),
      memoryAvailableBytes: parseVmStat((await run("vm_stat", [])) ?? ""),
      swapUsedBytes: parseSwapUsage((await run("sysctl", ["vm.swapusage"])) ?? ""),
      power,
    };
  }
  if (platform === "win32") {
    const args = ["-NoProfile", "-NonInteractive", "-Command", WINDOWS_MEMORY];
    const memory = parseWindowsMemory((await run("powershell", args)) ?? "");
    return {
      thermalStatus: null,
      memoryAvailableBytes: memory.availableBytes,
      swapUsedBytes: memory.swapUsedBytes,
      power,
    };
  }
  return { thermalStatus: null, memoryAvailableBytes: null, swapUsedBytes: null, power };
}

/** Null when the kernel shows no thermal zone that can be read. */
async function readThermalZones(
  root = "/sys/class/thermal",
): Promise<Conditions["temperaturesCelsius"]> {
  const names = (await readdir(root).catch(() => [])).filter((name) =>
    name.startsWith("thermal_zone"),
  );
  const zones = await Promise.all(
    names.map(async (name) => {
      const milli = numberOf(await readText(`${root}/${name}/temp`));
      const zone = (await readText(`${root}/${name}/type`)) ?? name;
      return milli === null ? null : { zone, celsius: milli / 1000 };
    }),
  );
  const read = zones.filter((zone) => zone !== null);
  return read.length === 0 ? null : read;
}

async function readFrequencies(root = "/sys/devices/system/cpu"): Promise<number[] | null> {
  const names = (await readdir(root).catch(() => [])).filter((name) => /^cpu\d+$/.test(name));
  const kilohertz = await Promise.all(
    names.map(async (name) => numberOf(await readText(`${root}/${name}/cpufreq/scaling_cur_freq`))),
  );
  const read = kilohertz.filter((value) => value !== null);
  return read.length === 0 ? null : read.map((value) => value / 1000);
}
