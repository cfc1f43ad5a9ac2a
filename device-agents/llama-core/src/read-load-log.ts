/** What llama.cpp said while it loaded a model and made a context, as evidence of what will execute. */
export interface LoadEvidence {
  /** `cpu`, `metal`, `cuda`, `vulkan`, ... or several joined by `+` when layers are split between them. */
  readonly effectiveBackend: string | null;
  /** The log lines the answer rests on. */
  readonly lines: readonly string[];
  /** `offloaded x/y layers to GPU`; null when llama.cpp printed no such line. */
  readonly layersOffloaded: number | null;
  readonly layersTotal: number | null;
  /** What flash attention `auto` became; null when llama.cpp did not say. */
  readonly flashAttention: "enabled" | "disabled" | null;
}

const BUFFER_SIZE = /^\S+:\s+(?<name>\S+)\s+(?:model|KV|RS|compute|output) buffer size/u;
const MODEL_BUFFER = /^load_tensors:\s+(?<name>\S+)\s+model buffer size\s*=\s*(?<mib>[\d.]+) MiB/u;
const OFFLOADED = /offloaded (?<offloaded>\d+)\/(?<total>\d+) layers/u;
const FLASH_RESOLVED = /Flash Attention (?:not supported, set to )?(?<state>enabled|disabled)$/u;
const FLASH_SET = /\bflash_attn\s*=\s*(?<state>enabled|disabled)$/u;

const BACKEND_BY_BUFFER: readonly (readonly [RegExp, string])[] = [
  [/^(?:CPU|BLAS|AMX)/u, "cpu"],
  [/^(?:Metal|MTL)/u, "metal"],
  [/^CUDA/u, "cuda"],
  [/^Vulkan/u, "vulkan"],
  [/^ROCm/u, "hip"],
  [/^SYCL/u, "sycl"],
  [/^OpenCL/u, "opencl"],
  [/^HTP/u, "hexagon"],
];

/**
 * Reads the effective backend from a log of llama.cpp v0.4.0. The weights' buffers decide: where all layers
 * were offloaded it is the accelerator, where some were it is both, joined by `+`, and where none were it is
 * the CPU, whatever was asked for.
 *
 * @param lines complete log lines, without line ends
 */
export function readLoadLog(lines: readonly string[]): LoadEvidence {
  const evidence: string[] = [];
  const backends = new Set<string>();
  let layersOffloaded: number | null = null;
  let layersTotal: number | null = null;
  let flashAttention: LoadEvidence["flashAttention"] = null;
  for (const line of lines) {
    const model = MODEL_BUFFER.exec(line)?.groups;
    if (model !== undefined && Number(model["mib"]) > 0) {
      backends.add(backendOfBuffer(model["name"] ?? ""));
    }
    const layers = OFFLOADED.exec(line)?.groups;
    if (layers !== undefined) {
      layersOffloaded = Number(layers["offloaded"]);
      layersTotal = Number(layers["total"]);
    }
    const state = (FLASH_RESOLVED.exec(line) ?? FLASH_SET.exec(line))?.groups?.["state"];
    if (state === "enabled" || state === "disabled") flashAttention = state;
    if (BUFFER_SIZE.test(line) || layers !== undefined || FLASH_RESOLVED.test(line)) {
      evidence.push(line.trim());
    }
  }
  return {
    effectiveBackend: effectiveBackend(backends, layersOffloaded, layersTotal),
    lines: evidence,
    layersOffloaded,
    layersTotal,
    flashAttention,
  };
}

/** The CPU variant module that ggml chose, e.g. `libggml-cpu-zen4.so`, from its `load_backend` log lines. */
export function readCpuVariant(lines: readonly string[]): string | null {
  for (const line of lines) {
    const path = /^load_backend: loaded CPU backend from (?<path>.+)$/u.exec(line)?.groups?.[
      "path"
    ];
    if (path !== undefined) return path.split(/[\\/]/u).at(-1) ?? null;
  }
  return null;
}

function backendOfBuffer(name: string): string {
  return BACKEND_BY_BUFFER.find(([pattern]) => pattern.test(name))?.[1] ?? name.toLowerCase();
}

function effectiveBackend(
  backends: ReadonlySet<string>,
  offloaded: number | null,
  total: number | null,
): string | null {
  const accelerators = [...backends].filter((backend) => backend !== "cpu").sort();
  if (accelerators.length === 0) return backends.has("cpu") ? "cpu" : null;
  // Host copies of the token embedding stay in a CPU buffer even when every layer is on the accelerator.
  const allOffloaded = offloaded !== null && offloaded === total;
  return (allOffloaded ? accelerators : ["cpu", ...accelerators]).join("+");
}
