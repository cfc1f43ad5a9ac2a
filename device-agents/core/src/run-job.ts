import {
  newId,
  type Assignment,
  type AttemptEndReason,
  type AttemptPhase,
  type DeviceEngine,
  type Failure,
  type ResultSubmission,
  type Sample,
} from "@benchfarm/contracts";
import { failureOf, type Engine, type EngineReport, type EngineTask } from "@benchfarm/engines";
import { AgentFailure } from "./agent-failure.js";
import { AGENT_VERSION } from "./agent-version.js";
import type { Clock } from "./clock.js";
import type { DeviceHost, HostDescription, ProcessMark, VerifiedArtifact } from "./device-host.js";
import { waitUntilReady } from "./gate.js";
import { endReasonOf } from "./end-reason.js";
import { rawOutputOf } from "./raw-output.js";

/** The contract's limit of samples in one result. */
const MOST_SAMPLES = 2000;
const FIRST_WARMUP_QUIET_MS = 5_000;
const FIRST_QUIET_MS = 60_000;

/** What the job needs of the rest of the agent. */
export interface JobServices {
  host: DeviceHost;
  description: HostDescription;
  engines: readonly Engine[];
  clock: Clock;
  /** Aborted when the attempt must stop: cancelled, lease lost, agent ending. */
  signal: AbortSignal;
  /** The verified file on this machine. */
  acquire: (artifact: Assignment["artifact"], signal: AbortSignal) => Promise<VerifiedArtifact>;
  onPhase: (phase: AttemptPhase) => void;
  onProgress: (repetition: number, repetitions: number) => void;
  /** Told why the device is not ready for the next repetition, and null when it is. */
  onWaiting: (reason: string | null) => void;
  onChild: (child: ProcessMark | null) => void;
  /** Called before a repetition: from then until the returned function is called, the agent touches neither network nor disk. */
  enterQuiet: (expectedMs: number) => Promise<() => void>;
}

export type JobOutcome =
  | { kind: "result"; result: ResultSubmission; endReason: AttemptEndReason }
  /** Stopped from outside; what was measured until then is in `result`, for the journal. */
  | { kind: "stopped"; result: ResultSubmission };

const NO_REPORT: EngineReport = {
  settings: null,
  effectiveBackend: null,
  evidence: [],
  reportedVersion: null,
};

/**
 * Makes one measurement: prepare, then for each repetition gate, one process, and conditions before and after. Never rejects:
 * whatever goes wrong is classified here, once, and becomes the result's failure; samples made before it are kept.
 */
export async function runJob(assignment: Assignment, services: JobServices): Promise<JobOutcome> {
  return new Job(assignment, services).run();
}

class Job {
  private readonly samples: Sample[] = [];
  private report: EngineReport = NO_REPORT;
  private engineFacts: DeviceEngine | null = null;
  private modelSha256: string | null = null;
  private command: string[] | null = null;
  private stdout = "";
  private stderr = "";
  private prepareMs: number | null = null;
  private gateMs: number | null = null;
  private measureMs: number | null = null;

  constructor(
    private readonly assignment: Assignment,
    private readonly services: JobServices,
  ) {}

  async run(): Promise<JobOutcome> {
    let failure: Failure | null;
    try {
      failure = await this.measure();
    } catch (error) {
      failure =
        error instanceof AgentFailure
          ? failureOf(error.code, error.message)
          : failureOf(
              "agent_failed",
              `the agent failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
            );
    }
    const result = this.submission(failure);
    if (this.services.signal.aborted) return { kind: "stopped", result };
    return { kind: "result", result, endReason: endReasonOf(failure) };
  }

  /** Null when every repetition was made. */
  private async measure(): Promise<Failure | null> {
    const { assignment, services } = this;
    const { clock } = services;
    services.onPhase("preparing");
    const startedMs = clock.monotonicMs();
    let prepared: Awaited<ReturnType<Job["prepare"]>>;
    try {
      prepared = await this.prepare();
    } finally {
      this.prepareMs = clock.monotonicMs() - startedMs;
    }
    if (prepared.kind === "failed") return prepared.failure;

    const { workload, limits } = assignment;
    let measuredNs = 0;
    let measured = 0;
    let lastMs = 0;
    for (let index = 0; ; index += 1) {
      const warmup = index < workload.warmupRepetitions;
      const enough =
        measured >= workload.repetitions && measuredNs >= workload.minimumMeasuredMs * 1e6;
      if ((!warmup && enough) || index >= MOST_SAMPLES) return null;
      services.onProgress(index, workload.warmupRepetitions + workload.repetitions);

      services.onPhase("gating");
      const gate = await waitUntilReady({
        host: services.host,
        limits: services.description.gate,
        deadlineMs: limits.gateMs,
        clock,
        signal: services.signal,
        onWaiting: services.onWaiting,
      });
      services.onWaiting(null);
      if (gate.kind === "stopped") return null;
      this.gateMs = (this.gateMs ?? 0) + gate.gateMs;
      if (gate.kind === "not_ready") {
        return failureOf(
          "gate_timeout",
          `the device was not ready for repetition ${index + 1} within ${Math.round(limits.gateMs / 1000)} s: ${gate.reason}`,
        );
      }

      services.onPhase("measuring");
      const remainingMs = limits.measureMs - (this.measureMs ?? 0);
      if (remainingMs <= 0) {
        return failureOf(
          "timed_out",
          `${measured} of ${workload.repetitions} repetitions were made in the ${Math.round(limits.measureMs / 1000)} s that a run may measure`,
        );
      }
      const timeoutMs = Math.min(limits.repetitionMs, remainingMs);
      const repetitionStartMs = clock.monotonicMs();
      const task = { ...prepared.task, repetition: index };
      const outcome = await this.repeat(prepared.engine, task, timeoutMs, lastMs);
      lastMs = clock.monotonicMs() - repetitionStartMs;
      this.measureMs = (this.measureMs ?? 0) + lastMs;
      if (services.signal.aborted) return null;
      if (outcome.kind === "failed") return outcome.failure;
      const after = await services.host.sensors();
      const { counters } = outcome;
      this.samples.push({
        index,
        warmup,
        ...counters,
        peakMemoryBytes: counters.peakMemoryBytes ?? outcome.peakMemoryBytes,
        gateMs: gate.gateMs,
        before: gate.conditions,
        after,
      });
      if (!warmup) {
        measured += 1;
        measuredNs += counters.totalNs ?? 0;
      }
    }
  }

  private async prepare(): Promise<
    { kind: "ready"; engine: Engine; task: EngineTask } | { kind: "failed"; failure: Failure }
  > {
    const { assignment, services } = this;
    const { adapter, version } = assignment.engine;
    const failed = (code: Failure["code"], message: string) => ({
      kind: "failed" as const,
      failure: failureOf(code, message),
    });
    const engine = services.engines.find((known) => known.id === adapter);
    const facts = services.description.device.engines.find(
      (known) => known.adapter === adapter && (version === null || known.version === version),
    );
    if (engine === undefined || facts === undefined) {
      const wanted = version === null ? adapter : `${adapter} ${version}`;
      return failed("engine_missing", `this device has no engine ${wanted}`);
    }
    this.engineFacts = facts;
    const { workload, backend } = assignment;
    const support = engine.supports({ workload, backend, engine: facts });
    if (support.kind === "unsupported") return failed("unsupported", support.reason);

    const timeout = AbortSignal.timeout(assignment.limits.prepareMs);
    const signal = AbortSignal.any([services.signal, timeout]);
    let modelPath: string;
    try {
      const artifact = await services.acquire(assignment.artifact, signal);
      this.modelSha256 = artifact.sha256;
      modelPath = await services.host.put(artifact);
    } catch (error) {
      if (timeout.aborted && !services.signal.aborted) {
        return failed(
          "timed_out",
          `the model file was not on the device within ${Math.round(assignment.limits.prepareMs / 1000)} s`,
        );
      }
      throw error;
    }
    const threads = workload.threads ?? services.description.defaultThreads;
    return {
      kind: "ready",
      engine,
      task: { workload, modelPath, backend, threads, repetition: 0, engine: facts },
    };
  }

  private async repeat(engine: Engine, task: EngineTask, timeoutMs: number, lastMs: number) {
    const { services } = this;
    // A repetition lasts about as long as the one before. Of the first nothing is known: a warm-up is no number, and a short silence
    // lets a cancelled run stop soon.
    const isWarmup = task.repetition < task.workload.warmupRepetitions;
    const firstMs = isWarmup ? FIRST_WARMUP_QUIET_MS : FIRST_QUIET_MS;
    const expectedMs = Math.min(timeoutMs, lastMs === 0 ? firstMs : lastMs * 1.5 + 2_000);
    const leaveQuiet = await services.enterQuiet(expectedMs);
    let execution;
    try {
      if (services.signal.aborted) return { kind: "failed" as const, failure: stopped };
      execution = await services.host.exec(engine.plan(task), {
        timeoutMs,
        signal: services.signal,
        onStart: services.onChild,
      });
    } catch (error) {
      if (error instanceof AgentFailure) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new AgentFailure("device_lost", `the device was lost: ${message}`, { cause: error });
    } finally {
      leaveQuiet();
    }
    services.onChild(null);
    if (execution.kind === "missing") {
      return { kind: "failed" as const, failure: failureOf("engine_missing", execution.message) };
    }
    this.command = execution.command;
    this.stdout += execution.output.stdout;
    this.stderr = execution.output.stderr;
    if (services.signal.aborted) return { kind: "failed" as const, failure: stopped };
    const parsed = engine.parse(task, execution.output);
    const { settings, effectiveBackend, evidence, reportedVersion } = parsed;
    this.report = { settings, effectiveBackend, evidence, reportedVersion };
    if (parsed.kind === "failed") return { kind: "failed" as const, failure: parsed.failure };
    const [counters] = parsed.samples;
    if (counters === undefined) {
      const failure = failureOf("unreadable_output", "the engine gave no sample", execution.output);
      return { kind: "failed" as const, failure };
    }
    return { kind: "measured" as const, counters, peakMemoryBytes: execution.peakMemoryBytes };
  }

  private submission(failure: Failure | null): ResultSubmission {
    const { engineFacts, report } = this;
    const raw = rawOutputOf(this.stdout, this.stderr);
    return {
      resultId: newId("result"),
      failure,
      samples: this.samples,
      engine:
        engineFacts === null
          ? null
          : {
              adapter: engineFacts.adapter,
              name: engineFacts.name,
              version: engineFacts.version,
              build: engineFacts.build,
              program: engineFacts.program,
            },
      requestedBackend: this.assignment.backend,
      effectiveBackend: report.effectiveBackend,
      backendEvidence: report.evidence.slice(0, 50),
      settings: report.settings,
      modelSha256: this.modelSha256,
      command: this.command,
      rawOutput: raw === "" ? null : raw,
      agentVersion: AGENT_VERSION,
      phasesMs: { prepareMs: this.prepareMs, gateMs: this.gateMs, measureMs: this.measureMs },
    };
  }
}

/** Stands in where the signal decides and nobody reads a failure. */
const stopped: Failure = failureOf("agent_failed", "stopped");
