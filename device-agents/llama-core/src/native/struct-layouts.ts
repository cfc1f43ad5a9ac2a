import koffi from "koffi";
import type { TypeObject } from "koffi";

/**
 * C layouts of llama.cpp v0.4.0 (`include/llama.h`, `ggml/include/ggml.h`). Field order is the ABI:
 * nothing may be moved, and another release needs another file.
 */
export interface StructLayouts {
  readonly modelParams: TypeObject;
  readonly contextParams: TypeObject;
  readonly batch: TypeObject;
  readonly threadpoolParams: TypeObject;
  readonly logCallback: TypeObject;
}

/** `GGML_MAX_N_THREADS` of `ggml.h`: the length of a thread pool's CPU mask. */
const MAX_THREADS = 512;

/** `struct llama_model_params`, as koffi hands it over. Pointers are null or addresses. */
export interface ModelParams {
  devices: bigint | null;
  tensor_buft_overrides: bigint | null;
  n_gpu_layers: number;
  split_mode: number;
  load_mode: number;
  lazy_mode: number;
  main_gpu: number;
  tensor_split: bigint | null;
  progress_callback: bigint | null;
  progress_callback_user_data: bigint | null;
  kv_overrides: bigint | null;
  vocab_only: boolean;
  check_tensors: boolean;
  use_extra_bufts: boolean;
  no_host: boolean;
  no_alloc: boolean;
  load_mtp: boolean;
}

/** `struct llama_context_params`, as koffi hands it over. Pointers are null or addresses. */
export interface ContextParams {
  n_ctx: number;
  n_batch: number;
  n_ubatch: number;
  n_seq_max: number;
  n_rs_seq: number;
  n_outputs_max: number;
  n_outputs_max_per_seq: number;
  n_threads: number;
  n_threads_batch: number;
  ctx_type: number;
  rope_scaling_type: number;
  pooling_type: number;
  attention_type: number;
  flash_attn_type: number;
  rope_freq_base: number;
  rope_freq_scale: number;
  yarn_ext_factor: number;
  yarn_attn_factor: number;
  yarn_beta_fast: number;
  yarn_beta_slow: number;
  yarn_orig_ctx: number;
  defrag_thold: number;
  cb_eval: bigint | null;
  cb_eval_user_data: bigint | null;
  type_k: number;
  type_v: number;
  abort_callback: bigint | null;
  abort_callback_data: bigint | null;
  embeddings: boolean;
  offload_kqv: boolean;
  no_perf: boolean;
  op_offload: boolean;
  swa_full: boolean;
  kv_unified: boolean;
  samplers: bigint | null;
  n_samplers: number;
  ctx_other: bigint | null;
}

/** `struct llama_batch`, passed by value; `token` is the address of `n_tokens` int32 token ids. */
export interface Batch {
  n_tokens: number;
  token: bigint;
  embd: null;
  pos: null;
  n_seq_id: null;
  seq_id: null;
  logits: null;
}

let layouts: StructLayouts | undefined;

/** Declares the structs once per process. koffi type names are process-wide, hence anonymous types. */
export function structLayouts(): StructLayouts {
  layouts ??= {
    modelParams: koffi.struct({
      devices: "void *",
      tensor_buft_overrides: "void *",
      n_gpu_layers: "int32_t",
      split_mode: "int32_t",
      load_mode: "int32_t",
      lazy_mode: "int32_t",
      main_gpu: "int32_t",
      tensor_split: "void *",
      progress_callback: "void *",
      progress_callback_user_data: "void *",
      kv_overrides: "void *",
      vocab_only: "bool",
      check_tensors: "bool",
      use_extra_bufts: "bool",
      no_host: "bool",
      no_alloc: "bool",
      load_mtp: "bool",
    }),
    contextParams: koffi.struct({
      n_ctx: "uint32_t",
      n_batch: "uint32_t",
      n_ubatch: "uint32_t",
      n_seq_max: "uint32_t",
      n_rs_seq: "uint32_t",
      n_outputs_max: "uint32_t",
      n_outputs_max_per_seq: "uint32_t",
      n_threads: "int32_t",
      n_threads_batch: "int32_t",
      ctx_type: "int32_t",
      rope_scaling_type: "int32_t",
      pooling_type: "int32_t",
      attention_type: "int32_t",
      flash_attn_type: "int32_t",
      rope_freq_base: "float",
      rope_freq_scale: "float",
      yarn_ext_factor: "float",
      yarn_attn_factor: "float",
      yarn_beta_fast: "float",
      yarn_beta_slow: "float",
      yarn_orig_ctx: "uint32_t",
      defrag_thold: "float",
      cb_eval: "void *",
      cb_eval_user_data: "void *",
      type_k: "int32_t",
      type_v: "int32_t",
      abort_callback: "void *",
      abort_callback_data: "void *",
      embeddings: "bool",
      offload_kqv: "bool",
      no_perf: "bool",
      op_offload: "bool",
      swa_full: "bool",
      kv_unified: "bool",
      samplers: "void *",
      n_samplers: "size_t",
      ctx_other: "void *",
    }),
    batch: koffi.struct({
      n_tokens: "int32_t",
      token: "void *",
      embd: "void *",
      pos: "void *",
      n_seq_id: "void *",
      seq_id: "void *",
      logits: "void *",
    }),
    threadpoolParams: koffi.struct({
      cpumask: koffi.array("uint8_t", MAX_THREADS),
      n_threads: "int32_t",
      prio: "int32_t",
      poll: "uint32_t",
      strict_cpu: "bool",
      paused: "bool",
    }),
    logCallback: koffi.proto("void", ["int", "void *", "void *"]),
  };
  return layouts;
}
