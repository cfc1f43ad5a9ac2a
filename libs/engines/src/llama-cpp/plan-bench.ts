import type { EngineTask, ProcessPlan, Support } from "../engine.js";

/** The name hosts resolve: an official llama-bench where there is one, else the embedded core. */
export const LLAMA_BENCH_PROGRAM = "llama-bench";
/** `EngineFacts.program` of llama.cpp's own program; other programs take only the flags that both have. */
export const OFFICIAL_PROGRAM = "llama-bench";

/** GGML's names of the cache types that llama-bench takes (`ggml_type_from_name` in tools/llama-bench). */
const CACHE_TYPES = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl"];

export function supportsBench(task: Pick<EngineTask, "workload" | "backend" | "engine">): Support {
  const { workload, backend, engine } = task;
  if (!engine.backends.includes(backend)) {
    return {
      kind: "unsupported",
      reason: `this ${engine.name} has no ${backend} backend here; it offers ${engine.backends.join(", ")}`,
    };
  }
  for (const type of [workload.cacheTypeK, workload.cacheTypeV]) {
    if (!CACHE_TYPES.includes(type)) {
      return {
        kind: "unsupported",
        reason: `llama.cpp has no cache type ${type}; it takes ${CACHE_TYPES.join(", ")}`,
      };
    }
  }
  if (workload.profile === "energy" || workload.profile === "conformance") {
    return {
      kind: "unsupported",
      reason: `llama-bench measures speed and memory, not the ${workload.profile} profile`,
    };
  }
  return { kind: "supported" };
}

/**
 * One repetition by flags of llama-bench (tools/llama-bench/README.md of llama.cpp). Prompt and generation together are one test
 * (`-pg`), so that the generation continues from the prompt; apart, the other count is 0.
 */
export function planBench(task: EngineTask): ProcessPlan {
  const { workload, backend, engine } = task;
  const { promptTokens, generatedTokens } = workload;
  const together = promptTokens > 0 && generatedTokens > 0;
  const onCpu = backend === "cpu";
  const args = ["-m", task.modelPath];
  if (together) args.push("-p", "0", "-n", "0", "-pg", `${promptTokens},${generatedTokens}`);
  else args.push("-p", String(promptTokens), "-n", String(generatedTokens));
  args.push("-d", String(workload.depthTokens), "-r", "1");
  if (task.threads !== null) args.push("-t", String(task.threads));
  args.push("-b", String(workload.batchSize), "-ub", String(workload.microBatchSize));
  args.push("-ngl", onCpu ? "0" : "999");
  // A build with a GPU sends large matrix products there even with no layer offloaded, unless it sees no device.
  const seesAccelerator = engine.backends.some((name) => name !== "cpu");
  if (onCpu && seesAccelerator && engine.program === OFFICIAL_PROGRAM) args.push("-dev", "none");
  if (workload.flashAttention !== "auto") {
    // Builds before `on|off|auto` take 0 and 1, and later ones take those too.
    args.push("-fa", workload.flashAttention === "on" ? "1" : "0");
  }
  args.push("-ctk", workload.cacheTypeK, "-ctv", workload.cacheTypeV, "-o", "jsonl");
  // Without it llama.cpp's own program is silent: no reason for a failed load, no evidence of who took the layers. Inside the
  // timed window it adds a line or two of log for each test, microseconds.
  if (engine.program === OFFICIAL_PROGRAM) args.push("-v");
  return { kind: "process", program: LLAMA_BENCH_PROGRAM, args, env: {} };
}
