import { backendsOfRow, readProbe } from "./find-llama-bench.js";
import { parseProcStat, sharesBetween, ticksOfCpus } from "./cpu-ticks.js";
import { parseCgroupPath, parseOomKills } from "./memory-kills.js";
import { bytesEach } from "./memory-bandwidth.js";
import { parsePmset, powerOfBattery, powerOfSupplies } from "./power-state.js";
import { parsePeakMemory } from "./process-host.js";
import { parseStartTicks } from "./process-mark.js";
import {
  parseMeminfo,
  parsePmsetTherm,
  parseSwapUsage,
  parseVmStat,
  parseWindowsMemory,
} from "./sensors.js";

describe("shares of processor time", () => {
  const at = (text: string) => parseProcStat(text);

  it("come from two readings of /proc/stat, stolen time apart", () => {
    const before = at("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\n");
    const after = at("cpu  150 0 130 880 20 0 0 20 0 0\n");
    expect(sharesBetween(before, after)).toEqual({ busyFraction: 0.4, stealFraction: 0.1 });
  });

  it("are unknown without time between, or when a counter went back", () => {
    const ticks = at("cpu  100 0 100 800 0 0 0 0 0 0\n");
    expect(sharesBetween(ticks, ticks).busyFraction).toBeNull();
    expect(sharesBetween(null, ticks).busyFraction).toBeNull();
    expect(sharesBetween(ticks, at("cpu  1 0 1 1 0 0 0 0\n")).busyFraction).toBeNull();
    expect(at("no such line")).toBeNull();
  });

  it("come from Node where there is no /proc, without stolen time", () => {
    const times = { user: 10, nice: 0, sys: 10, idle: 80, irq: 0 };
    const ticks = ticksOfCpus([{ times }, { times }]);
    expect(ticks).toEqual({ total: 200, idle: 160, steal: null });
    expect(ticksOfCpus([])).toBeNull();
  });
});

describe("recorded outputs", () => {
  it("of Linux", () => {
    const meminfo =
      "MemTotal:  100 kB\nMemAvailable:   16252928 kB\nSwapTotal:  2048 kB\nSwapFree: 1024 kB\n";
    expect(parseMeminfo(meminfo)).toEqual({
      availableBytes: 16_252_928 * 1024,
      swapUsedBytes: 1024 * 1024,
    });
    expect(parseMeminfo("")).toEqual({ availableBytes: null, swapUsedBytes: null });
    expect(parsePeakMemory("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n")).toBe(2 * 2 ** 20);
    expect(parsePeakMemory("")).toBeNull();
    const stat = "77 (a (b) c) S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 1 1\n";
    expect(parseStartTicks(stat)).toBe("123456");
    expect(parseOomKills("low 0\noom 1\noom_kill 3\n")).toBe(3);
    expect(parseOomKills("")).toBeNull();
    expect(parseCgroupPath("9:name=systemd:/\n0::/user.slice\n")).toBe("/user.slice");
  });

  it("of macOS", () => {
    const vmStat =
      "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:    10.\nPages active:  99.\nPages inactive:  20.\nPages speculative:  5.\nPages purgeable:  1.\n";
    expect(parseVmStat(vmStat)).toBe(36 * 16384);
    expect(parseVmStat("")).toBeNull();
    const swap = "vm.swapusage: total = 2048.00M  used = 1013.25M  free = 1034.75M  (encrypted)\n";
    expect(parseSwapUsage(swap)).toBe(1013.25 * 2 ** 20);
    expect(parsePmsetTherm("CPU_Scheduler_Limit \t= 100\n CPU_Speed_Limit \t= 62\n")).toBe(
      "limited",
    );
    expect(parsePmsetTherm("Note: No thermal warning level has been recorded\n")).toBe("nominal");
    expect(parsePmsetTherm("")).toBeNull();
    const battery =
      "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t83%; discharging; 5:20 remaining\n";
    expect(parsePmset(battery)).toEqual({ source: "battery", batteryPercent: 83 });
    const mains = "Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t97%; charging; 0:20\n";
    expect(parsePmset(mains)).toEqual({ source: "charging", batteryPercent: 97 });
    expect(parsePmset("Now drawing from 'AC Power'\n")).toEqual({
      source: "mains",
      batteryPercent: null,
    });
    expect(parsePmset("")).toEqual({ source: null, batteryPercent: null });
  });

  it("of Windows", () => {
    expect(parseWindowsMemory('{"FreePhysicalMemory":8388608,"PageFileUsedMiB":512}')).toEqual({
      availableBytes: 8_388_608 * 1024,
      swapUsedBytes: 512 * 2 ** 20,
    });
    expect(parseWindowsMemory("")).toEqual({ availableBytes: null, swapUsedBytes: null });
    const battery = { hasBattery: true, isCharging: false, acConnected: false, percent: 40 };
    expect(powerOfBattery(battery)).toEqual({ source: "battery", batteryPercent: 40 });
  });
});

describe("the kernel's power supplies", () => {
  const supply = (over: object) => ({
    type: null,
    scope: null,
    online: null,
    status: null,
    capacity: null,
    ...over,
  });
  const battery = (status: string) => supply({ type: "Battery", status, capacity: "71" });
  it.each([
    [[], { source: null, batteryPercent: null }],
    [[supply({ type: "Mains", online: "1" })], { source: "mains", batteryPercent: null }],
    [[battery("Discharging")], { source: "battery", batteryPercent: 71 }],
    [
      [battery("Charging"), supply({ type: "Mains", online: "1" })],
      { source: "charging", batteryPercent: 71 },
    ],
    [
      [battery("Full"), supply({ type: "USB", online: "1" })],
      { source: "mains", batteryPercent: 71 },
    ],
    [
      [supply({ type: "Battery", scope: "Device", capacity: "9" })],
      { source: null, batteryPercent: null },
    ],
  ])("%#", (supplies, expected) => {
    expect(powerOfSupplies(supplies)).toEqual(expected);
  });
});

describe("a probe of llama-bench", () => {
  it("gives version and backends, or shows that it is something else", () => {
    const row = '{"build_commit": "8cf427ff", "build_number": 5163, "backends": "CUDA,BLAS,CPU"}\n';
    expect(readProbe(row)).toEqual({ version: "b5163", backends: ["cpu", "cuda"] });
    expect(readProbe(row.replace("5163", "1"))?.version).toBe("8cf427ff");
    expect(readProbe("hello")).toBeNull();
    expect(readProbe("{}")).toBeNull();
    expect(backendsOfRow("MTL,BLAS,CPU")).toEqual(["cpu", "metal"]);
  });
});

describe("the buffers of the bandwidth measurement", () => {
  it("stay within the memory that is free, or are not made", () => {
    expect(bytesEach(2, 64 * 2 ** 30)).toBe(512 * 2 ** 20);
    expect(bytesEach(64, 64 * 2 ** 30)).toBe(64 * 2 ** 20);
    expect(bytesEach(4, 2 ** 30)).toBe(64 * 2 ** 20);
    expect(bytesEach(8, 256 * 2 ** 20)).toBeNull();
  });
});
