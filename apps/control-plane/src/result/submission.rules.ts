import { createHash } from "node:crypto";
import {
  canonicalJson,
  workloadKind,
  type Failure,
  type FailureCode,
  type ResultSubmission,
  type Sample,
  type WorkloadSpec,
} from "@benchfarm/contracts";

/** What the farm asked for, against which a submission is checked. */
export interface Asked {
  engine: string;
  engineVersion: string | null;
  backend: string;
  modelSha256: string;
  workload: WorkloadSpec;
}

const MESSAGE_LIMIT = 4000;
/** Beyond it a double no longer counts single nanoseconds, and PostgreSQL's bigint is near. */
const LARGEST_COUNTER = Number.MAX_SAFE_INTEGER;

/** The repetitions that numbers are made of: all but the warm-up ones. */
export function measuredSamples(samples: readonly Sample[]): Sample[] {
  return samples.filter((sample) => !sample.warmup);
}

/**
 * Why a submission is no measurement, or null when it is one. The agent's own failure comes first; then everything is checked again
 * that the agent should have checked: an agent is never trusted with a number. Indexes of samples must be unique (see
 * `duplicateIndex`).
 */
export function findFailure(submission: ResultSubmission, asked: Asked): Failure | null {
  return (
    submission.failure ??
    identityFailure(submission, asked) ??
    samplesFailure(measuredSamples(submission.samples), asked.workload)
  );
}

/** The first sample index that appears twice, or null. Such a submission cannot be stored at all. */
export function duplicateIndex(samples: readonly Sample[]): number | null {
  const seen = new Set<number>();
  for (const { index } of samples) {
    if (seen.has(index)) return index;
    seen.add(index);
  }
  return null;
}

function failure(code: FailureCode, message: string): Failure {
  return { code, message: message.slice(0, MESSAGE_LIMIT), exitCode: null, signal: null };
}

function identityFailure(submission: ResultSubmission, asked: Asked): Failure | null {
  if (submission.requestedBackend !== asked.backend) {
    return failure(
      "backend_mismatch",
      `the run asked for ${asked.backend}, but the agent asked its engine for ${submission.requestedBackend}`,
    );
  }
  if (submission.effectiveBackend === null) {
    return failure(
      "backend_mismatch",
      `the engine did not show which backend ran, so ${asked.backend} is not proven`,
    );
  }
  if (submission.effectiveBackend !== asked.backend) {
    return failure(
      "backend_mismatch",
      `the run asked for ${asked.backend}, but ${submission.effectiveBackend} executed`,
    );
  }
  if (submission.engine === null) {
    return failure("unreadable_output", "the submission does not say which engine measured");
  }
  const { adapter, version } = submission.engine;
  if (
    adapter !== asked.engine ||
    (asked.engineVersion !== null && version !== asked.engineVersion)
  ) {
    const wanted = [asked.engine, asked.engineVersion].filter((part) => part !== null).join(" ");
    return failure(
      "engine_missing",
      `the run asked for ${wanted}, but ${adapter} ${version} measured`,
    );
  }
  if (submission.modelSha256 !== asked.modelSha256) {
    return failure(
      "artifact_corrupt",
      submission.modelSha256 === null
        ? "the submission does not say which file was measured"
        : `the measured file has SHA-256 ${submission.modelSha256}, not ${asked.modelSha256}`,
    );
  }
  return null;
}

function samplesFailure(samples: readonly Sample[], workload: WorkloadSpec): Failure | null {
  if (samples.length === 0) {
    return failure(
      "unreadable_output",
      "the submission reports no failure and has no measured sample",
    );
  }
  for (const sample of samples) {
    const found = tokenFailure(sample, workload) ?? counterFailure(sample, workload);
    if (found !== null) return found;
  }
  return null;
}

function tokenFailure(sample: Sample, workload: WorkloadSpec): Failure | null {
  const { index, promptTokens, generatedTokens } = sample;
  if (promptTokens === workload.promptTokens && generatedTokens === workload.generatedTokens) {
    return null;
  }
  return failure(
    "token_count_mismatch",
    `repetition ${index} has ${promptTokens} prompt and ${generatedTokens} generated tokens; ` +
      `the workload asks for exactly ${workload.promptTokens} and ${workload.generatedTokens}`,
  );
}

const COUNTERS = [
  "promptNs",
  "generationNs",
  "totalNs",
  "loadNs",
  "cpuNs",
  "peakMemoryBytes",
] as const;

function counterFailure(sample: Sample, workload: WorkloadSpec): Failure | null {
  for (const name of COUNTERS) {
    const value = sample[name];
    if (value === null) continue;
    // CPU time may be below its clock's resolution; every other counter counts something that took place.
    const smallest = name === "cpuNs" ? 0 : 1;
    if (!Number.isFinite(value) || value < smallest || value > LARGEST_COUNTER) {
      return failure("non_finite", `repetition ${sample.index} has ${name} ${value}`);
    }
  }
  const missing = missingCounter(sample, workload);
  if (missing !== null) {
    return failure("unreadable_output", `repetition ${sample.index} has no ${missing}`);
  }
  for (const part of ["promptNs", "generationNs"] as const) {
    if (sample.totalNs !== null && (sample[part] ?? 0) > sample.totalNs) {
      return failure(
        "unreadable_output",
        `repetition ${sample.index} has ${part} ${sample[part]}, longer than its whole of ${sample.totalNs} ns`,
      );
    }
  }
  return null;
}

/** The counter without which a workload's repetition says nothing. */
function missingCounter(sample: Sample, workload: WorkloadSpec): string | null {
  switch (workloadKind(workload)) {
    case "prefill":
      return sample.promptNs === null ? "promptNs" : null;
    case "decode":
      return sample.generationNs === null ? "generationNs" : null;
    case "end_to_end":
      return sample.totalNs === null && (sample.promptNs === null || sample.generationNs === null)
        ? "totalNs"
        : null;
  }
}

/** SHA-256 of a submission's canonical JSON, hex: what tells a replay from other content. */
export function submissionDigest(submission: ResultSubmission): string {
  return createHash("sha256").update(canonicalJson(submission)).digest("hex");
}

/**
 * The same value with every NUL and lone surrogate replaced by U+FFFD: engines print garbage, and PostgreSQL's text and jsonb
 * take neither.
 */
export function storable<T>(value: T): T {
  if (typeof value === "string") return wellFormed(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => storable(item)) as T;
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [wellFormed(name), storable(member)]),
    ) as T;
  }
  return value;
}

function wellFormed(text: string): string {
  return text.replace(
    /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g,
    "\uFFFD",
  );
}
