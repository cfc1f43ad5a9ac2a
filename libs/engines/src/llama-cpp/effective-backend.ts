import { Backend } from "@benchfarm/contracts";
import type { BenchRow } from "./bench-row.js";

/** What ran, as far as the engine's own words show it. */
export interface BackendFinding {
  /** Null when the words do not tell, or when layers were split between backends. */
  backend: Backend | null;
  evidence: string[];
  /** A sentence for the failure when `backend` is not the one asked for. */
  explanation: string;
}

/** Registry names of ggml's backends (`ggml_backend_reg_name`), in lower case. Helpers that never hold layers are left out. */
const BY_REGISTRY: Record<string, Backend | null> = {
  cpu: "cpu",
  blas: null,
  rpc: null,
  metal: "metal",
  mtl: "metal",
  cuda: "cuda",
  rocm: "rocm",
  hip: "rocm",
  musa: "other",
  vulkan: "vulkan",
  sycl: "sycl",
  opencl: "opencl",
  htp: "hexagon",
  hexagon: "hexagon",
  webgpu: "webgpu",
  cann: "other",
};

const byName = (name: string): Backend | null => {
  const known = BY_REGISTRY[name.trim().toLowerCase()];
  if (known !== undefined) return known;
  const parsed = Backend.safeParse(name.trim().toLowerCase());
  return parsed.success ? parsed.data : "other";
};

const EVIDENCE_LINES =
  /offloaded \d+\/\d+ layers|model buffer size|loaded \S+ backend from|using device /;
const MAX_LINES = 40;

/** The load log's lines about backends, without the paths of this machine. */
function evidenceLines(stderr: string): string[] {
  return stderr
    .split(/\r?\n/)
    .filter((line) => EVIDENCE_LINES.test(line))
    .map((line) => line.trim().replace(/ from .*[\\/]/, " from "))
    .slice(0, MAX_LINES);
}

/**
 * Which backend executed. The embedded core says so itself, from the buffers that hold the weights. llama-bench prints the
 * backends of its build; whether an accelerator took the layers is in the load log that `-v` adds.
 */
export function findBackend(row: BenchRow, stderr: string): BackendFinding {
  const told = row.benchfarm_effective_backend;
  if (told !== undefined && told !== null) {
    const evidence = row.benchfarm_backend_evidence ?? [];
    const parts = told.split("+").map(byName);
    const [only] = parts;
    return parts.length === 1 && only !== undefined
      ? { backend: only, evidence, explanation: `the engine ran on ${told}` }
      : { backend: null, evidence, explanation: `the layers were split between ${told}` };
  }
  const evidence = [
    `backends: ${row.backends}; devices: ${row.devices ?? "not told"}; n_gpu_layers: ${row.n_gpu_layers}; gpu_info: ${row.gpu_info ?? ""}`,
    ...evidenceLines(stderr),
  ];
  const accelerators = [
    ...new Set(
      row.backends
        .split(",")
        .map(byName)
        .filter((name): name is Backend => name !== null && name !== "cpu"),
    ),
  ];
  if (accelerators.length === 0) {
    return { backend: "cpu", evidence, explanation: "this build has no backend but the CPU" };
  }
  if (row.n_gpu_layers === 0) {
    const alone = row.devices === "none" || Number(row.no_op_offload ?? 0) === 1;
    return alone
      ? {
          backend: "cpu",
          evidence,
          explanation: "no layer and no device was given to an accelerator",
        }
      : {
          backend: null,
          evidence,
          explanation:
            "no layer was offloaded, but the build may still have sent matrix products to the accelerator",
        };
  }
  const offloaded = /offloaded (\d+)\/(\d+) layers/.exec(stderr);
  if (offloaded === null) {
    return {
      backend: null,
      evidence,
      explanation: "the engine's log does not show how many layers the accelerator took",
    };
  }
  const [, taken, total] = offloaded;
  if (Number(taken) === 0) {
    return { backend: "cpu", evidence, explanation: `no layer of ${total} was offloaded` };
  }
  if (taken !== total) {
    return {
      backend: null,
      evidence,
      explanation: `only ${taken} of ${total} layers were offloaded`,
    };
  }
  const [only] = accelerators;
  if (accelerators.length === 1 && only !== undefined) {
    return { backend: only, evidence, explanation: `all ${total} layers ran on ${only}` };
  }
  const holders = accelerators.filter((name) => holdsWeights(name, stderr));
  const [holder] = holders;
  return holders.length === 1 && holder !== undefined
    ? { backend: holder, evidence, explanation: `all ${total} layers ran on ${holder}` }
    : { backend: null, evidence, explanation: `the layers ran on ${accelerators.join(" or ")}` };
}

/** Whether the log names a weights' buffer of this backend, such as `CUDA0 model buffer size = 638 MiB`. */
function holdsWeights(backend: Backend, stderr: string): boolean {
  return [...stderr.matchAll(/(\S+?)(?:\d+)?(?:_Mapped|_Private)?\s+model buffer size/g)].some(
    (match) => byName(match[1] ?? "") === backend,
  );
}
