import { readdir } from "node:fs/promises";
import { battery } from "systeminformation";
import type { MachineFacts } from "@benchfarm/contracts";
import type { RunCommand } from "./command-host.js";
import { readText } from "./read-text.js";

export type PowerState = MachineFacts["power"];
const UNKNOWN: PowerState = { source: null, batteryPercent: null };

/** One folder of /sys/class/power_supply. */
export interface PowerSupply {
  type: string | null;
  scope: string | null;
  online: string | null;
  status: string | null;
  capacity: string | null;
}

const percentOf = (text: string | null): number | null => {
  const value = text === null || text === "" ? Number.NaN : Number(text);
  return value >= 0 && value <= 100 ? value : null;
};

/**
 * The state from the kernel's power supplies (Documentation/ABI/testing/sysfs-class-power). Batteries of mice and the like
 * (`scope` Device) do not count. A machine with no supply at all does not tell what it runs on.
 */
export function powerOfSupplies(supplies: readonly PowerSupply[]): PowerState {
  const batteries = supplies.filter(
    ({ type, scope }) => type === "Battery" && scope?.toLowerCase() !== "device",
  );
  const isOnline = supplies.some(({ type, online }) => type !== "Battery" && online === "1");
  const [first] = batteries;
  if (first === undefined) return { source: isOnline ? "mains" : null, batteryPercent: null };
  const isCharging = batteries.some(({ status }) => status === "Charging");
  const isDischarging = batteries.some(({ status }) => status === "Discharging");
  return {
    source: isCharging
      ? "charging"
      : isDischarging && !isOnline
        ? "battery"
        : isOnline
          ? "mains"
          : null,
    batteryPercent: percentOf(first.capacity),
  };
}

/** `pmset -g batt` of macOS. */
export function parsePmset(text: string): PowerState {
  const source = /Now drawing from '([^']+)'/.exec(text)?.[1];
  const percent = /(\d{1,3})%;\s*([a-zA-Z ]+);/.exec(text);
  const isCharging = percent?.[2]?.trim().toLowerCase() === "charging";
  if (source === undefined) return UNKNOWN;
  return {
    source:
      source === "Battery Power"
        ? "battery"
        : isCharging
          ? "charging"
          : source === "AC Power"
            ? "mains"
            : null,
    batteryPercent: percentOf(percent?.[1] ?? null),
  };
}

/** Windows, by systeminformation (WMI `Win32_Battery`): a machine without a battery runs on mains. */
export function powerOfBattery(data: {
  hasBattery: boolean;
  isCharging: boolean;
  acConnected: boolean;
  percent: number;
}): PowerState {
  if (!data.hasBattery) return { source: "mains", batteryPercent: null };
  return {
    source: data.isCharging ? "charging" : data.acConnected ? "mains" : "battery",
    batteryPercent: percentOf(String(data.percent)),
  };
}

async function readSupplies(root = "/sys/class/power_supply"): Promise<PowerSupply[]> {
  const names = await readdir(root).catch(() => []);
  return Promise.all(
    names.map(async (name) => ({
      type: await readText(`${root}/${name}/type`),
      scope: await readText(`${root}/${name}/scope`),
      online: await readText(`${root}/${name}/online`),
      status: await readText(`${root}/${name}/status`),
      capacity: await readText(`${root}/${name}/capacity`),
    })),
  );
}

/** What the machine runs on right now. */
export async function readPowerState(platform: string, run: RunCommand): Promise<PowerState> {
  if (platform === "linux") return powerOfSupplies(await readSupplies());
  if (platform === "darwin") return parsePmset((await run("pmset", ["-g", "batt"])) ?? "");
  if (platform !== "win32") return UNKNOWN;
  return battery()
    .then(powerOfBattery)
    .catch(() => UNKNOWN);
}
