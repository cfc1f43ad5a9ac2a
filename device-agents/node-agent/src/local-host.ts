import { link, mkdir, rm } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import {
  systemClock,
  type Clock,
  type DeviceHost,
  type ExecuteOptions,
  type Execution,
  type GateLimits,
  type HostDescription,
  type ProcessMark,
  type VerifiedArtifact,
} from "@benchfarm/agent-core";
import type { Conditions, MachineFacts } from "@benchfarm/contracts";
import type { ExecutionPlan } from "@benchfarm/engines";
import { runCommand } from "./command-host.js";
import { readNodeAgentConfig, type NodeAgentConfig } from "./config.js";
import { findLlamaBench, type LlamaBench } from "./find-llama-bench.js";
import { readLocalId } from "./machine-id.js";
import {
  readOwnProbes,
  readSystemReport,
  staticFactsOf,
  type StaticFacts,
} from "./machine-facts.js";
import { readMemoryBandwidth, type BandwidthReading } from "./memory-bandwidth.js";
import { readPowerState } from "./power-state.js";
import { endMarked } from "./process-mark.js";
import { runProcess } from "./process-host.js";
import { Sensors } from "./sensors.js";

export interface LocalHostOptions {
  /** The agent's folder: measured facts and a machine id for systems without one are kept there. */
  folder: string;
  /** What people call this machine; its host name by default. */
  name?: string;
  tags?: string[];
  /** How the machine is cooled, part of the comparison key; `as_sold` by default. */
  cooling?: string;
  /** An official llama-bench to use instead of `BENCHFARM_LLAMA_BENCH`, PATH and the embedded core. */
  llamaBench?: string;
  /** Programs by name beside `llama-bench`, for engines of tests. */
  programs?: Record<string, { command: string; args: readonly string[] }>;
  gate?: Partial<GateLimits>;
  warn?: (message: string) => void;
  config?: NodeAgentConfig;
  clock?: Clock;
}

/** The temperature band is Pipette's for Linux machines; the load band leaves room for a quiet machine's own noise. */
const DEFAULT_GATE: GateLimits = {
  maxTemperatureCelsius: 70,
  maxCpuBusyFraction: 0.35,
  thermalStatuses: ["nominal"],
  windowMs: 250,
};

/** This machine itself as a device of the farm. Nothing is started or measured before the first call. */
export function createLocalHost(options: LocalHostOptions): DeviceHost {
  return new LocalHost(options);
}

interface Discovered {
  localId: string;
  facts: StaticFacts;
  bandwidth: BandwidthReading | null;
  llamaBench: LlamaBench | null;
}

class LocalHost implements DeviceHost {
  private readonly platform = process.platform as string;
  private readonly config: NodeAgentConfig;
  private readonly clock: Clock;
  private readonly reader: Sensors;
  private disposal = new AbortController();
  private discovering: Promise<Discovered> | null = null;

  constructor(private readonly options: LocalHostOptions) {
    this.config = options.config ?? readNodeAgentConfig();
    this.clock = options.clock ?? systemClock;
    this.reader = new Sensors({
      platform: this.platform,
      run: runCommand,
      monotonicMs: () => this.clock.monotonicMs(),
    });
  }

  async describe(): Promise<HostDescription> {
    const { options } = this;
    this.discovering ??= this.discover();
    const { localId, facts, bandwidth, llamaBench } = await this.discovering;
    const machine: MachineFacts = {
      ...facts,
      memoryBandwidthBytesPerSecond: bandwidth?.bytesPerSecond ?? null,
      memoryBandwidthMethod: bandwidth?.method ?? null,
      power: await readPowerState(this.platform, runCommand),
    };
    return {
      device: {
        localId,
        name: options.name ?? hostname(),
        simulated: false,
        cooling: options.cooling ?? "as_sold",
        tags: options.tags ?? [],
        facts: machine,
        engines: llamaBench === null ? [] : [llamaBench.engine],
      },
      // A container or an affinity mask may give fewer cores than the machine has.
      defaultThreads: Math.min(
        facts.physicalCores ?? Number.POSITIVE_INFINITY,
        availableParallelism(),
      ),
      gate: {
        ...DEFAULT_GATE,
        ...(this.config.maxCpuBusyFraction === null
          ? {}
          : { maxCpuBusyFraction: this.config.maxCpuBusyFraction }),
        ...options.gate,
      },
    };
  }

  async put(artifact: VerifiedArtifact): Promise<string> {
    // Engines tell the format by the file's name, which the cache's has not.
    const folder = join(this.options.folder, "models");
    const path = join(folder, `${artifact.sha256}.gguf`);
    await mkdir(folder, { recursive: true });
    await rm(path, { force: true });
    try {
      await link(artifact.path, path);
      return path;
    } catch {
      return artifact.path;
    }
  }

  async exec(plan: ExecutionPlan, options: ExecuteOptions): Promise<Execution> {
    const program = await this.resolve(plan.program);
    if (program === null) {
      return {
        kind: "missing",
        message: `this machine has no ${plan.program}: no prebuilt llama.cpp is installed for it, and none was named by BENCHFARM_LLAMA_BENCH or found on PATH`,
      };
    }
    return runProcess(
      {
        command: program.command,
        args: [...program.args, ...plan.args],
        env: { ...this.config.engineEnvironment, ...plan.env },
        cwd: this.options.folder,
        platform: this.platform,
      },
      { ...options, signal: AbortSignal.any([options.signal, this.disposal.signal]) },
    );
  }

  async sensors(): Promise<Conditions> {
    return this.reader.read();
  }

  async settle(leftovers: readonly ProcessMark[]): Promise<void> {
    for (const mark of leftovers) await endMarked(mark, this.platform, runCommand);
    await rm(join(this.options.folder, "models"), { recursive: true, force: true });
  }

  async dispose(): Promise<void> {
    this.disposal.abort();
    // A host may be used again: an agent that enrols anew keeps its hosts.
    this.disposal = new AbortController();
  }

  private async resolve(
    name: string,
  ): Promise<{ command: string; args: readonly string[] } | null> {
    const given = this.options.programs?.[name];
    if (given !== undefined) return given;
    if (name !== "llama-bench") return null;
    this.discovering ??= this.discover();
    return (await this.discovering).llamaBench;
  }

  private async discover(): Promise<Discovered> {
    const { folder } = this.options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const [report, probes, localId] = await Promise.all([
      readSystemReport(),
      readOwnProbes(this.platform, process.arch, runCommand),
      readLocalId(folder, this.platform, runCommand),
    ]);
    const facts = staticFactsOf(report, probes);
    const llamaBench = await findLlamaBench({
      named: this.options.llamaBench ?? this.config.llamaBench,
      searchPath: this.config.searchPath,
      platform: this.platform,
      run: runCommand,
      folder,
      warn: this.options.warn ?? (() => undefined),
    });
    // Last, when the other probes have ended: it takes all cores.
    const bandwidth = await readMemoryBandwidth(
      folder,
      [facts.cpuModel, facts.memoryBytes, facts.virtualisation, facts.os.kernel],
      availableParallelism(),
    );
    return { localId, facts, bandwidth, llamaBench };
  }
}
