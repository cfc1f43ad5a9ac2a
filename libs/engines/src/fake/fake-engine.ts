import { z } from "zod";
import {
  failureOf,
  type Engine,
  type EngineReport,
  type EngineTask,
  type ProcessOutput,
} from "../engine.js";

/** What the fake program prints: counters that were made up, and say so. */
const FakeRow = z.object({
  fake: z.literal(true),
  promptTokens: z.number().int().min(0),
  generatedTokens: z.number().int().min(0),
  totalNs: z.number().int().positive(),
});

const UNKNOWN: EngineReport = {
  settings: null,
  effectiveBackend: null,
  evidence: [],
  reportedVersion: null,
};

/** How the fake engine is described; its name says that it is none. */
export const FAKE_ENGINE_FACTS = {
  adapter: "fake",
  name: "Fake engine (test double)",
  version: "1",
  build: "fake",
  program: "fake-engine",
  backends: ["cpu" as const],
};

/**
 * A test double: counters follow from the task alone (1 ms a prompt token, 10 ms a generated one, 1 % more each repetition). It is
 * in no production list.
 */
export const fakeEngine: Engine = {
  id: "fake",
  supports: ({ backend }) =>
    backend === "cpu"
      ? { kind: "supported" }
      : { kind: "unsupported", reason: `the fake engine has no ${backend} backend` },
  plan: (task) => ({
    kind: "process",
    program: "fake-engine",
    args: [task.modelPath, fakeEngineOutput(task)],
    env: {},
  }),
  parse(task, output) {
    const failed = (code: Parameters<typeof failureOf>[0], message: string) => ({
      kind: "failed" as const,
      failure: failureOf(code, message, output),
      ...UNKNOWN,
    });
    if (output.timedOut) return failed("timed_out", "the fake engine did not end in its time");
    if (output.outOfMemory === true)
      return failed("out_of_memory", "the fake engine ran out of memory");
    if (output.signal !== null) return failed("engine_crashed", `ended by ${output.signal}`);
    if (output.exitCode !== 0) return failed("engine_failed", `exit code ${output.exitCode}`);
    let value: unknown;
    try {
      value = JSON.parse(output.stdout);
    } catch {
      return failed("unreadable_output", "the fake engine printed no JSON");
    }
    const row = FakeRow.safeParse(value);
    if (!row.success) return failed("unreadable_output", row.error.message);
    const { promptTokens, generatedTokens, totalNs } = row.data;
    if (
      promptTokens !== task.workload.promptTokens ||
      generatedTokens !== task.workload.generatedTokens
    ) {
      return failed(
        "token_count_mismatch",
        `the fake engine did ${promptTokens} + ${generatedTokens}`,
      );
    }
    if (task.backend !== "cpu") return failed("backend_mismatch", "the fake engine ran on cpu");
    return {
      kind: "measured",
      samples: [
        {
          promptTokens,
          promptNs: generatedTokens === 0 ? totalNs : null,
          generatedTokens,
          generationNs: promptTokens === 0 ? totalNs : null,
          totalNs,
          loadNs: null,
          cpuNs: null,
          peakMemoryBytes: null,
        },
      ],
      settings: {
        threads: task.threads,
        batchSize: task.workload.batchSize,
        microBatchSize: task.workload.microBatchSize,
        flashAttention: task.workload.flashAttention,
        cacheTypeK: task.workload.cacheTypeK,
        cacheTypeV: task.workload.cacheTypeV,
        gpuLayers: 0,
        cpuVariant: null,
      },
      effectiveBackend: "cpu",
      evidence: ["fake engine: nothing ran"],
      reportedVersion: "1",
    };
  },
};

/** The one line that the fake program prints for a task. */
export function fakeEngineOutput(task: Pick<EngineTask, "workload" | "repetition">): string {
  const { promptTokens, generatedTokens } = task.workload;
  const totalNs = Math.round(
    (promptTokens * 1e6 + generatedTokens * 1e7) * (1 + task.repetition / 100),
  );
  return JSON.stringify({ fake: true, promptTokens, generatedTokens, totalNs });
}

/** The output of a fake process that ended well. */
export function fakeProcessOutput(stdout: string): ProcessOutput {
  return { stdout, stderr: "", exitCode: 0, signal: null, timedOut: false, outOfMemory: null };
}
