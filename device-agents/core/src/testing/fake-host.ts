import type { Conditions, DeviceDescription } from "@benchfarm/contracts";
import { FAKE_ENGINE_FACTS, fakeProcessOutput } from "@benchfarm/engines/testing";
import type { ExecutionPlan, ProcessOutput } from "@benchfarm/engines";
import type {
  DeviceHost,
  ExecuteOptions,
  Execution,
  HostDescription,
  ProcessMark,
  VerifiedArtifact,
} from "../device-host.js";

/** A description that says of itself that there is no such machine. */
export function simulatedDevice(localId: string): DeviceDescription {
  return {
    localId,
    name: `Simulated device ${localId}`,
    simulated: true,
    cooling: "as_sold",
    tags: [],
    facts: {
      manufacturer: null,
      product: "Simulated device",
      formFactor: null,
      virtualisation: null,
      cpuModel: "Simulated processor",
      cpuVendor: null,
      physicalCores: 4,
      logicalCores: 4,
      performanceCores: null,
      efficiencyCores: null,
      isaExtensions: null,
      memoryBytes: null,
      memoryBandwidthBytesPerSecond: null,
      memoryBandwidthMethod: null,
      gpus: null,
      os: {
        platform: "simulated",
        name: null,
        version: null,
        build: null,
        kernel: null,
        architecture: "simulated",
      },
      power: { source: null, batteryPercent: null },
    },
    engines: [FAKE_ENGINE_FACTS],
  };
}

/** Readings of a device that senses nothing. */
export const NO_CONDITIONS: Conditions = {
  temperaturesCelsius: null,
  thermalStatus: null,
  loadAverage1m: null,
  cpuBusyFraction: null,
  cpuStealFraction: null,
  cpuFrequenciesMHz: null,
  governor: null,
  memoryAvailableBytes: null,
  swapUsedBytes: null,
  powerSource: null,
  batteryPercent: null,
};

export interface FakeHostOptions {
  localId?: string;
  /** How repetition `n` (from 0) ends; `null` hangs until it is ended. By default the plan's own output. */
  behave?: (repetition: number, plan: ExecutionPlan) => Partial<ProcessOutput> | null;
  /** How long each repetition takes. */
  repetitionMs?: number;
  sensors?: () => Conditions;
  maxCpuBusyFraction?: number;
}

/** A device without hardware, for tests: it runs plans of the fake engine by printing what they carry. */
export class FakeHost implements DeviceHost {
  readonly settled: ProcessMark[][] = [];
  readonly artifacts: VerifiedArtifact[] = [];
  executions = 0;
  isDisposed = false;

  constructor(private readonly options: FakeHostOptions = {}) {}

  async describe(): Promise<HostDescription> {
    return {
      device: simulatedDevice(this.options.localId ?? "fake-0"),
      defaultThreads: 4,
      gate: {
        maxTemperatureCelsius: null,
        maxCpuBusyFraction: this.options.maxCpuBusyFraction ?? null,
        thermalStatuses: null,
        windowMs: 1,
      },
    };
  }

  async put(artifact: VerifiedArtifact): Promise<string> {
    this.artifacts.push(artifact);
    return artifact.path;
  }

  async exec(plan: ExecutionPlan, options: ExecuteOptions): Promise<Execution> {
    if (plan.program !== "fake-engine") {
      return { kind: "missing", message: `a fake host has no ${plan.program}` };
    }
    const repetition = this.executions;
    this.executions += 1;
    options.onStart({ pid: 2_000_000_000 + repetition, startedAs: "fake" });
    const behaviour =
      this.options.behave === undefined ? {} : this.options.behave(repetition, plan);
    const ended = await lasts(
      behaviour === null ? options.timeoutMs : (this.options.repetitionMs ?? 0),
      options.signal,
    );
    const output = fakeProcessOutput(plan.args[1] ?? "");
    const cut = { exitCode: null, signal: "SIGTERM", stdout: "" };
    return {
      kind: "ended",
      output: {
        ...output,
        ...(behaviour ?? { ...cut, timedOut: true }),
        ...(ended ? {} : { ...cut, timedOut: false }),
      },
      peakMemoryBytes: null,
      command: [plan.program, ...plan.args],
    };
  }

  async sensors(): Promise<Conditions> {
    return this.options.sensors?.() ?? NO_CONDITIONS;
  }

  async settle(leftovers: readonly ProcessMark[]): Promise<void> {
    this.settled.push([...leftovers]);
  }

  async dispose(): Promise<void> {
    this.isDisposed = true;
  }
}

/** True after `ms`, false when the signal was first. */
function lasts(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const timer = setTimeout(() => resolve(true), ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
