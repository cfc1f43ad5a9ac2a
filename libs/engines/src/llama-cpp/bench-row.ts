import { z } from "zod";

/**
 * The fields of a llama-bench row that a number rests on, after `test::get_fields` of tools/llama-bench in llama.cpp, with the
 * embedded core's own fields beside them. `flash_attn` was a boolean and is an integer (-1 auto) since `auto` exists; fields that
 * came or went over the versions (`use_mmap`, `load_mode`, ...) are not asked for.
 */
export const BenchRow = z.object({
  build_commit: z.string().min(1),
  build_number: z.number().int(),
  backends: z.string(),
  gpu_info: z.string().optional(),
  devices: z.string().optional(),
  n_batch: z.number().int(),
  n_ubatch: z.number().int(),
  n_threads: z.number().int(),
  type_k: z.string(),
  type_v: z.string(),
  n_gpu_layers: z.number().int(),
  no_op_offload: z.union([z.number().int(), z.boolean()]).optional(),
  flash_attn: z.union([z.boolean(), z.number().int(), z.string()]),
  n_prompt: z.number().int().min(0),
  n_gen: z.number().int().min(0),
  /** Absent before depths existed, when it was always 0. */
  n_depth: z.number().int().min(0).default(0),
  avg_ns: z.number(),
  avg_ts: z.number(),
  samples_ns: z.array(z.number()),
  samples_ts: z.array(z.number()),
  benchfarm_release: z.string().nullish(),
  benchfarm_load_ns: z.number().int().positive().nullish(),
  benchfarm_effective_backend: z.string().nullish(),
  benchfarm_backend_evidence: z.array(z.string()).nullish(),
  benchfarm_cpu_variant: z.string().nullish(),
  benchfarm_peak_rss_bytes: z.number().int().positive().nullish(),
  benchfarm_cpu_ns: z.array(z.number().int().min(0)).nullish(),
  benchfarm_flash_attn_effective: z.enum(["enabled", "disabled"]).nullish(),
  benchfarm_prompt_ns: z.array(z.number().int().positive()).nullish(),
  benchfarm_generation_ns: z.array(z.number().int().positive()).nullish(),
});
export type BenchRow = z.infer<typeof BenchRow>;
