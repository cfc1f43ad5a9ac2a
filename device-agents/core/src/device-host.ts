import type { Conditions, DeviceDescription } from "@benchfarm/contracts";
import type { ExecutionPlan, ProcessOutput } from "@benchfarm/engines";

/** Names a process across a restart of the agent: a pid alone may have been given to another since. */
export interface ProcessMark {
  pid: number;
  /** Whatever the host can read of the process's start, compared as it is; null when it cannot. */
  startedAs: string | null;
}

/** When a device is ready for a repetition. Null: the host cannot sense it, and it is not waited for. */
export interface GateLimits {
  maxTemperatureCelsius: number | null;
  maxCpuBusyFraction: number | null;
  /** Thermal states by the platform's own names in which a measurement may start. */
  thermalStatuses: string[] | null;
  /** How long one look at the sensors spans. */
  windowMs: number;
}

export interface HostDescription {
  device: DeviceDescription;
  /** Threads for a workload that leaves them open: the cores that an engine can really have. */
  defaultThreads: number | null;
  gate: GateLimits;
}

/** A file as the artifact cache verified it. */
export interface VerifiedArtifact {
  sha256: string;
  sizeBytes: number;
  /** Absolute path on the agent's machine. */
  path: string;
  fileName: string;
}

export interface ExecuteOptions {
  timeoutMs: number;
  /** Ends the process: politely, and by force 10 s later. */
  signal: AbortSignal;
  /** Called once the process lives, before it has measured anything. */
  onStart: (mark: ProcessMark) => void;
}

export type Execution =
  | {
      kind: "ended";
      output: ProcessOutput;
      /** Largest resident set the host saw; null when it cannot tell. */
      peakMemoryBytes: number | null;
      /** The command as run. */
      command: string[];
    }
  /** The program of the plan is not on this device. */
  | { kind: "missing"; message: string };

/** One device and everything that is done to it. The core decides what and when; a host only knows how. */
export interface DeviceHost {
  /** Facts read afresh. `device.localId` is the same for the life of the device. */
  describe(): Promise<HostDescription>;
  /** Makes a file usable by engines on the device and resolves to its path there. Rejects with an AgentFailure. */
  put(artifact: VerifiedArtifact): Promise<string>;
  /** Runs a plan to its end. Every way it can end is a value; rejects only when the device itself is lost. */
  exec(plan: ExecutionPlan, options: ExecuteOptions): Promise<Execution>;
  /** One look at the device; shares of time are since the look before. */
  sensors(): Promise<Conditions>;
  /** Brings the device back to rest: ends what is left of these processes and drops the host's temporary files. */
  settle(leftovers: readonly ProcessMark[]): Promise<void>;
  /** Ends everything that the host started. */
  dispose(): Promise<void>;
}
