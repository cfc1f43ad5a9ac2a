import type {
  Backend,
  DeviceEngine,
  EffectiveSettings,
  Failure,
  FailureCode,
  WorkloadSpec,
} from "@benchfarm/contracts";

/** One repetition to be made: everything a plan and a parser may depend on. */
export interface EngineTask {
  workload: WorkloadSpec;
  /** Absolute path on the device. */
  modelPath: string;
  backend: Backend;
  /** Null leaves the number to the engine. */
  threads: number | null;
  /** Counted over warm-up and measured repetitions alike, from 0. */
  repetition: number;
  /** The program that the host will run, as the host describes it. */
  engine: DeviceEngine;
}

/**
 * A process that makes one repetition and ends. `program` is a name that the host resolves to a command; hosts start it with a
 * clean environment to which `env` is added.
 */
export interface ProcessPlan {
  kind: "process";
  program: string;
  args: string[];
  env: Record<string, string>;
}

/** How a device is made to work; a host says which kinds it can execute. */
export type ExecutionPlan = ProcessPlan;

/** How a planned process ended, and what it wrote. */
export interface ProcessOutput {
  stdout: string;
  stderr: string;
  /** Null when a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** The host ended it because its time was over. */
  timedOut: boolean;
  /** The system ended it for want of memory; null when the host cannot tell. */
  outOfMemory: boolean | null;
}

/** The raw counters of one repetition as the engine gave them. Unknown is null; times are whole nanoseconds. */
export interface EngineSample {
  promptTokens: number;
  promptNs: number | null;
  generatedTokens: number;
  generationNs: number | null;
  totalNs: number | null;
  loadNs: number | null;
  cpuNs: number | null;
  peakMemoryBytes: number | null;
}

/** What is known besides the counters; present as far as it could be read, with a failure too. */
export interface EngineReport {
  settings: EffectiveSettings | null;
  effectiveBackend: Backend | null;
  /** The engine's own lines that show which backend ran. */
  evidence: string[];
  /** The version that the program said it is; null when it does not say. */
  reportedVersion: string | null;
}

export type ParseOutcome =
  | ({ kind: "measured"; samples: EngineSample[] } & EngineReport)
  | ({ kind: "failed"; failure: Failure } & EngineReport);

export type Support = { kind: "supported" } | { kind: "unsupported"; reason: string };

/** An inference engine as data in and data out: an adapter never spawns, reads files or looks at a clock. */
export interface Engine {
  /** The adapter's name, equal to its folder here and to `adapter` in EngineFacts. */
  readonly id: string;
  /** Whether this program can be asked for this workload on this backend at all. */
  supports(task: Pick<EngineTask, "workload" | "backend" | "engine">): Support;
  plan(task: EngineTask): ExecutionPlan;
  /**
   * Reads what a planned process left. Fails closed: a missing or wrong field, a value that is not a finite positive number, other
   * token counts than asked for, or another backend than asked for is a failure with its code, never a number. Does not throw.
   */
  parse(task: EngineTask, output: ProcessOutput): ParseOutcome;
}

const MESSAGE_LIMIT = 4000;

/** A failure with how the process ended; the message is cut to what the contract takes. */
export function failureOf(code: FailureCode, message: string, output?: ProcessOutput): Failure {
  return {
    code,
    message: message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT - 1)}…` : message,
    exitCode: output?.exitCode ?? null,
    signal: output?.signal ?? null,
  };
}
