import { GGML_LIBRARY_VERSION, LLAMA_LIBRARY_VERSION, LLAMA_RELEASE } from "../embedded-release.js";
import { EngineFailure } from "../engine-errors.js";
import type { ContextParams, ModelParams } from "./struct-layouts.js";

/** What a library says about itself, and the default structs read through our layouts. */
export interface ReleaseFacts {
  readonly llamaVersion: string;
  readonly ggmlVersion: string;
}

/** Defaults that `llama_model_default_params` of the release sets (`src/llama-model.cpp`). */
const MODEL_DEFAULTS: Partial<ModelParams> = {
  devices: null,
  tensor_buft_overrides: null,
  n_gpu_layers: -1,
  split_mode: 1,
  load_mode: -1,
  lazy_mode: 1,
  main_gpu: 0,
  tensor_split: null,
  progress_callback: null,
  kv_overrides: null,
  vocab_only: false,
  check_tensors: false,
  use_extra_bufts: true,
  no_host: false,
  no_alloc: false,
  load_mtp: false,
};

/** Defaults that `llama_context_default_params` of the release sets (`src/llama-context.cpp`). */
const CONTEXT_DEFAULTS: Partial<ContextParams> = {
  n_ctx: 512,
  n_batch: 2048,
  n_ubatch: 512,
  n_seq_max: 1,
  n_outputs_max_per_seq: 1,
  rope_scaling_type: -1,
  pooling_type: -1,
  attention_type: -1,
  flash_attn_type: -1,
  yarn_orig_ctx: 0,
  defrag_thold: -1,
  cb_eval: null,
  type_k: 1,
  type_v: 1,
  abort_callback: null,
  embeddings: false,
  offload_kqv: true,
  no_perf: true,
  op_offload: true,
  swa_full: true,
  kv_unified: false,
  samplers: null,
  n_samplers: 0,
  ctx_other: null,
};

/**
 * Refuses a library of any other release than the one whose structs are declared here.
 *
 * @throws EngineFailure naming both versions
 */
export function checkVersions(facts: ReleaseFacts): void {
  // A build from a checkout between two tags calls itself "<next>-dev".
  const llamaVersion = facts.llamaVersion.replace(/-dev$/u, "");
  if (llamaVersion === LLAMA_LIBRARY_VERSION && facts.ggmlVersion === GGML_LIBRARY_VERSION) return;
  throw new EngineFailure(
    `the native library is llama.cpp ${facts.llamaVersion} with ggml ${facts.ggmlVersion}, and this program is ` +
      `written for llama.cpp ${LLAMA_RELEASE} with ggml ${GGML_LIBRARY_VERSION}; calling it would corrupt memory. ` +
      "Run npm install in the Benchfarm folder to get the pinned package.",
  );
}

/**
 * Reads the library's default structs through our layouts: a field at another offset than the library's
 * shows as another value.
 *
 * @throws EngineFailure naming the first field that differs
 */
export function checkDefaults(model: ModelParams, context: ContextParams): void {
  compare("llama_model_params", MODEL_DEFAULTS, model);
  compare("llama_context_params", CONTEXT_DEFAULTS, context);
}

function compare<T extends object>(struct: string, expected: Partial<T>, actual: T): void {
  for (const [field, value] of Object.entries(expected)) {
    const found = (actual as Record<string, unknown>)[field];
    if (found !== value) {
      throw new EngineFailure(
        `${struct}.${field} of the native library is ${String(found)} instead of ${String(value)}: its layout is ` +
          `not that of llama.cpp ${LLAMA_RELEASE}. Run npm install in the Benchfarm folder to get the pinned package.`,
      );
    }
  }
}
