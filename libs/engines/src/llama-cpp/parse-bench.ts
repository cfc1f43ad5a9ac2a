import type { EffectiveSettings, FailureCode } from "@benchfarm/contracts";
import {
  failureOf,
  type EngineReport,
  type EngineSample,
  type EngineTask,
  type ParseOutcome,
  type ProcessOutput,
} from "../engine.js";
import { BenchRow } from "./bench-row.js";
import { classifyExit } from "./classify-exit.js";
import { findBackend } from "./effective-backend.js";
import { OFFICIAL_PROGRAM } from "./plan-bench.js";
import { readRows } from "./read-rows.js";

const NOTHING_KNOWN: EngineReport = {
  settings: null,
  effectiveBackend: null,
  evidence: [],
  reportedVersion: null,
};

/** The name of the CPU module that a build with dynamic backends chose, such as `zen4`; null for a static build. */
function cpuVariantOf(row: BenchRow, stderr: string): string | null {
  const named =
    row.benchfarm_cpu_variant ??
    /loaded CPU backend from (?:.*[\\/])?(\S+)/.exec(stderr)?.[1] ??
    null;
  return named === null
    ? null
    : named.replace(/^(?:lib)?ggml-cpu-?/, "").replace(/\.(?:so|dll|dylib)$/, "");
}

/** What `auto` became, where the engine or its log says so; else the setting itself. */
function flashAttentionOf(row: BenchRow, stderr: string): string {
  const became =
    row.benchfarm_flash_attn_effective ??
    /Flash Attention (?:(?:was auto|not supported), set to )?(enabled|disabled)/.exec(stderr)?.[1];
  if (became !== undefined && became !== null) return became === "enabled" ? "on" : "off";
  const told = row.flash_attn;
  if (typeof told === "string") return told;
  if (typeof told === "boolean") return told ? "on" : "off";
  return told < 0 ? "auto" : told === 0 ? "off" : "on";
}

function settingsOf(row: BenchRow, stderr: string): EffectiveSettings {
  return {
    threads: row.n_threads,
    batchSize: row.n_batch,
    microBatchSize: row.n_ubatch,
    flashAttention: flashAttentionOf(row, stderr),
    cacheTypeK: row.type_k,
    cacheTypeV: row.type_v,
    gpuLayers: row.n_gpu_layers,
    cpuVariant: cpuVariantOf(row, stderr),
  };
}

/** `b1234` for a numbered build of llama.cpp, the commit for one without tags (number 0 or 1). */
export function benchVersion(row: Pick<BenchRow, "build_commit" | "build_number">): string {
  return row.build_number > 1 ? `b${row.build_number}` : row.build_commit;
}

/** Why the counters of a row are not to be believed, or null. */
function faultOf(task: EngineTask, row: BenchRow): [FailureCode, string] | null {
  const { promptTokens, generatedTokens, depthTokens } = task.workload;
  if (
    row.n_prompt !== promptTokens ||
    row.n_gen !== generatedTokens ||
    row.n_depth !== depthTokens
  ) {
    return [
      "token_count_mismatch",
      `asked for ${promptTokens} prompt, ${generatedTokens} generated and ${depthTokens} context tokens; the engine did ${row.n_prompt}, ${row.n_gen} and ${row.n_depth}`,
    ];
  }
  if (row.samples_ns.length !== 1 || row.samples_ts.length !== 1) {
    return [
      "unreadable_output",
      `one repetition was asked for, the engine gives ${row.samples_ns.length} times and ${row.samples_ts.length} rates`,
    ];
  }
  const [ns = Number.NaN] = row.samples_ns;
  if (!Number.isSafeInteger(ns) || ns <= 0) {
    return ["non_finite", `the engine's time of the repetition is ${ns} ns`];
  }
  // Rate and mean say the same in other units: a build that changed a unit must not pass.
  const rate = ((promptTokens + generatedTokens) * 1e9) / ns;
  const agrees = (value: number, expected: number) =>
    Math.abs(value - expected) <= 0.01 * Math.abs(expected);
  if (!agrees(row.avg_ts, rate) || !agrees(row.avg_ns, ns)) {
    return [
      "unreadable_output",
      `the engine's figures contradict each other: ${ns} ns, mean ${row.avg_ns} ns, ${row.avg_ts} tokens/s where ${rate.toFixed(2)} follows`,
    ];
  }
  for (const list of [row.benchfarm_cpu_ns, row.benchfarm_prompt_ns, row.benchfarm_generation_ns]) {
    if (list !== undefined && list !== null && list.length !== 1) {
      return ["unreadable_output", "the engine's counters are not one for each repetition"];
    }
  }
  return null;
}

function sampleOf(task: EngineTask, row: BenchRow): EngineSample {
  const { promptTokens, generatedTokens } = task.workload;
  const totalNs = row.samples_ns[0] ?? null;
  return {
    promptTokens,
    promptNs: generatedTokens === 0 ? totalNs : (row.benchfarm_prompt_ns?.[0] ?? null),
    generatedTokens,
    generationNs: promptTokens === 0 ? totalNs : (row.benchfarm_generation_ns?.[0] ?? null),
    totalNs,
    loadNs: row.benchfarm_load_ns ?? null,
    cpuNs: row.benchfarm_cpu_ns?.[0] ?? null,
    peakMemoryBytes: row.benchfarm_peak_rss_bytes ?? null,
  };
}

/** See `Engine.parse`. One reader for every llama-bench and for the embedded core. */
export function parseBench(task: EngineTask, output: ProcessOutput): ParseOutcome {
  const failed = (
    code: FailureCode,
    message: string,
    report: EngineReport = NOTHING_KNOWN,
  ): ParseOutcome => ({ kind: "failed", failure: failureOf(code, message, output), ...report });

  const exit = classifyExit(output);
  if (exit !== null) return { kind: "failed", failure: exit, ...NOTHING_KNOWN };
  const read = readRows(output.stdout);
  if (read.kind === "non_finite") return failed("non_finite", read.message);
  if (read.kind === "unreadable") return failed("unreadable_output", read.message);
  if (read.rows.length !== 1) {
    return failed(
      "unreadable_output",
      `one test was asked for, the engine printed ${read.rows.length} rows`,
    );
  }
  const checked = BenchRow.safeParse(read.rows[0]);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    return failed(
      "unreadable_output",
      `the engine's row lacks what is needed: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}; is this a version of llama-bench newer than this agent?`,
    );
  }
  const row = checked.data;
  const finding = findBackend(row, output.stderr);
  const report: EngineReport = {
    settings: settingsOf(row, output.stderr),
    effectiveBackend: finding.backend,
    evidence: finding.evidence,
    reportedVersion: row.benchfarm_release ?? benchVersion(row),
  };
  const fault = faultOf(task, row);
  if (fault !== null) return failed(fault[0], fault[1], report);
  if (finding.backend !== task.backend) {
    return failed("backend_mismatch", `asked for ${task.backend}: ${finding.explanation}`, report);
  }
  if (task.engine.program === OFFICIAL_PROGRAM && benchVersion(row) !== task.engine.version) {
    return failed(
      "engine_failed",
      `the program is ${benchVersion(row)} now and was ${task.engine.version} when the agent described it; restart the agent`,
      report,
    );
  }
  return { kind: "measured", samples: [sampleOf(task, row)], ...report };
}
