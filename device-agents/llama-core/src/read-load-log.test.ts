import { readCpuVariant, readLoadLog } from "./read-load-log.js";

/** Recorded from llama.cpp v0.4.0 on a CPU. */
const CPU_LOG = [
  "load_tensors: loading model tensors, this can take a while... (load_mode = mmap)",
  "load_tensors: layer   0 assigned to device CPU, is_swa = 0",
  "load_tensors:   CPU_Mapped model buffer size =     1.20 MiB",
  "load_tensors:   CPU_REPACK model buffer size =     1.20 MiB",
  "llama_context: flash_attn            = auto",
  "llama_context:        CPU  output buffer size =     0.02 MiB",
  "llama_kv_cache:        CPU KV buffer size =     0.25 MiB",
  "resolve_fused_ops: Flash Attention enabled",
  "resolve_fused_ops: fused DeepSeek V4 HC pre enabled",
  "sched_reserve:        CPU compute buffer size =     0.34 MiB",
];

/** The same lines with an accelerator, in the formats of `llama-model.cpp` v0.4.0. */
const gpuLog = (buffer: string, offloaded: number): string[] => [
  `load_tensors: offloading ${offloaded} repeating layers to GPU`,
  `load_tensors: offloaded ${offloaded}/25 layers to GPU`,
  "load_tensors:   CPU_Mapped model buffer size =   136.51 MiB",
  `load_tensors: ${buffer.padStart(12)} model buffer size =   475.09 MiB`,
];

test("the CPU, with the lines that say so", () => {
  expect(readLoadLog(CPU_LOG)).toEqual({
    effectiveBackend: "cpu",
    lines: [
      "load_tensors:   CPU_Mapped model buffer size =     1.20 MiB",
      "load_tensors:   CPU_REPACK model buffer size =     1.20 MiB",
      "llama_context:        CPU  output buffer size =     0.02 MiB",
      "llama_kv_cache:        CPU KV buffer size =     0.25 MiB",
      "resolve_fused_ops: Flash Attention enabled",
      "sched_reserve:        CPU compute buffer size =     0.34 MiB",
    ],
    layersOffloaded: null,
    layersTotal: null,
    flashAttention: "enabled",
  });
});

test.each([
  ["MTL0_Mapped", "metal"],
  ["CUDA0", "cuda"],
  ["Vulkan0", "vulkan"],
])("all layers in %s: the accelerator executes", (buffer, backend) => {
  expect(readLoadLog(gpuLog(buffer, 25))).toMatchObject({
    effectiveBackend: backend,
    layersOffloaded: 25,
    layersTotal: 25,
  });
});

test("some layers offloaded: both execute", () => {
  expect(readLoadLog(gpuLog("CUDA0", 10))).toMatchObject({
    effectiveBackend: "cpu+cuda",
    layersOffloaded: 10,
  });
});

test("no layer offloaded, whatever was asked for: the CPU", () => {
  const log = [
    "load_tensors: offloaded 0/25 layers to GPU",
    "load_tensors:   CPU_Mapped model buffer size =   136.51 MiB",
    "load_tensors:        CUDA0 model buffer size =     0.00 MiB",
  ];
  expect(readLoadLog(log)).toMatchObject({ effectiveBackend: "cpu", layersOffloaded: 0 });
});

test("flash attention that was switched off or cannot be had is disabled", () => {
  expect(readLoadLog(["llama_context: flash_attn            = disabled"]).flashAttention).toBe(
    "disabled",
  );
  expect(
    readLoadLog(["resolve_fused_ops: Flash Attention not supported, set to disabled"])
      .flashAttention,
  ).toBe("disabled");
});

test("a silent log is unknown, not the CPU", () => {
  expect(readLoadLog([])).toEqual({
    effectiveBackend: null,
    lines: [],
    layersOffloaded: null,
    layersTotal: null,
    flashAttention: null,
  });
});

test("the CPU variant is the module that ggml loaded", () => {
  const line = (path: string): string => `load_backend: loaded CPU backend from ${path}`;
  expect(readCpuVariant([line("/opt/x/libggml-cpu-zen4.so")])).toBe("libggml-cpu-zen4.so");
  expect(readCpuVariant([line("C:\\x y\\ggml-cpu-haswell.dll")])).toBe("ggml-cpu-haswell.dll");
  expect(readCpuVariant(["load_backend: loaded BLAS backend from /x/libggml-blas.so"])).toBeNull();
});
