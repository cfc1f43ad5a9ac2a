import { join } from "node:path";
import koffi from "koffi";
import type { LibraryHandle } from "koffi";
import type { InstalledLibraries } from "../find-libraries.js";
import { structLayouts } from "./struct-layouts.js";
import type { Batch, ContextParams, ModelParams } from "./struct-layouts.js";

/** Addresses of native objects. */
export type Handle = bigint;

/**
 * The C functions of llama.cpp and ggml that this program calls, by their C names without the prefix where
 * that is unambiguous. Sizes come back as number (they are far below 2^53).
 */
export interface LlamaLibrary {
  llamaVersion(): string;
  ggmlVersion(): string;
  ggmlCommit(): string;
  systemInfo(): string;
  logSet(callback: Handle | null, userData: null): void;
  /** Address of a C function that takes nothing and does nothing, for use as a silent log callback. */
  readonly silentLogCallback: Handle;
  loadAllBackends(directory: string): void;
  backendInit(): void;
  numaInit(strategy: number): void;
  modelDefaultParams(): ModelParams;
  contextDefaultParams(): ContextParams;
  modelLoadFromFile(path: string, params: ModelParams): Handle | null;
  modelFree(model: Handle): void;
  modelDesc(model: Handle, buffer: Uint8Array, size: number): number;
  modelSize(model: Handle): number | bigint;
  modelParamCount(model: Handle): number | bigint;
  modelGetVocab(model: Handle): Handle;
  vocabTokenCount(vocab: Handle): number;
  vocabGetAddBos(vocab: Handle): boolean;
  vocabBos(vocab: Handle): number;
  initFromModel(model: Handle, params: ContextParams): Handle | null;
  free(context: Handle): void;
  getMemory(context: Handle): Handle;
  memoryClear(memory: Handle, data: boolean): void;
  attachThreadpool(context: Handle, threadpool: Handle, threadpoolBatch: null): void;
  setThreadCount(context: Handle, threads: number, threadsBatch: number): void;
  decode(context: Handle, batch: Batch): number;
  synchronize(context: Handle): void;
  getLogitsIth(context: Handle, index: number): Handle | null;
  stateSeqGetSize(context: Handle, sequence: number): number | bigint;
  stateSeqGetData(context: Handle, to: Handle, size: number, sequence: number): number | bigint;
  stateSeqSetData(context: Handle, from: Handle, size: number, sequence: number): number | bigint;
  deviceCount(): number | bigint;
  deviceGet(index: number): Handle;
  deviceByType(type: number): Handle | null;
  deviceType(device: Handle): number;
  deviceName(device: Handle): string;
  deviceDescription(device: Handle): string;
  deviceMemory(device: Handle, free: number[], total: number[]): void;
  deviceRegistry(device: Handle): Handle;
  registryCount(): number | bigint;
  registryGet(index: number): Handle;
  registryName(registry: Handle): string;
  registryProcAddress(registry: Handle, name: string): Handle | null;
  threadpoolParamsSize: number;
  threadpoolParamsInit(params: Handle, threads: number): void;
  threadpoolNew(address: Handle, params: Handle): Handle | null;
  threadpoolFree(address: Handle, threadpool: Handle): void;
  /** llama.cpp's own default for `-t`, or null where its helper library does not export it. */
  defaultThreadCount(): number | null;
  /** llama.cpp's build number, or 0 (its own word for unknown) where that is not exported. */
  buildNumber(): number;
}

/**
 * Opens the libraries (base, ggml, llama, in that order) and binds their functions. Nothing has been
 * checked yet: call `checkRelease` before anything that takes or returns a struct.
 */
export function openLlamaLibrary(installed: InstalledLibraries): LlamaLibrary {
  const types = structLayouts();
  const open = (name: string): LibraryHandle =>
    koffi.load(join(installed.directory, name), { global: true });
  const base = open(installed.names.ggmlBase);
  const ggml = open(installed.names.ggml);
  const llama = open(installed.names.llama);
  const common = openOptional(installed);
  const pointer = "void *";
  const newPool = koffi.proto(pointer, [pointer]);
  const freePool = koffi.proto("void", [pointer]);
  const optional = (names: readonly string[]): (() => number) | null =>
    common === null ? null : firstFunction(common, names);
  const threads = optional(["_Z23common_cpu_get_num_mathv", "?common_cpu_get_num_math@@YAHXZ"]);
  const build = optional(["_Z18llama_build_numberv", "?llama_build_number@@YAHXZ"]);

  return {
    llamaVersion: llama.func("llama_version", "str", []),
    ggmlVersion: base.func("ggml_version", "str", []),
    ggmlCommit: base.func("ggml_commit", "str", []),
    systemInfo: llama.func("llama_print_system_info", "str", []),
    logSet: llama.func("llama_log_set", "void", [pointer, pointer]),
    silentLogCallback: koffi.address(llama.symbol("llama_max_devices")),
    loadAllBackends: ggml.func("ggml_backend_load_all_from_path", "void", ["str"]),
    backendInit: llama.func("llama_backend_init", "void", []),
    numaInit: llama.func("llama_numa_init", "void", ["int"]),
    modelDefaultParams: llama.func("llama_model_default_params", types.modelParams, []),
    contextDefaultParams: llama.func("llama_context_default_params", types.contextParams, []),
    modelLoadFromFile: llama.func("llama_model_load_from_file", pointer, [
      "str",
      types.modelParams,
    ]),
    modelFree: llama.func("llama_model_free", "void", [pointer]),
    modelDesc: llama.func("llama_model_desc", "int32_t", [pointer, pointer, "size_t"]),
    modelSize: llama.func("llama_model_size", "uint64_t", [pointer]),
    modelParamCount: llama.func("llama_model_n_params", "uint64_t", [pointer]),
    modelGetVocab: llama.func("llama_model_get_vocab", pointer, [pointer]),
    vocabTokenCount: llama.func("llama_vocab_n_tokens", "int32_t", [pointer]),
    vocabGetAddBos: llama.func("llama_vocab_get_add_bos", "bool", [pointer]),
    vocabBos: llama.func("llama_vocab_bos", "int32_t", [pointer]),
    initFromModel: llama.func("llama_init_from_model", pointer, [pointer, types.contextParams]),
    free: llama.func("llama_free", "void", [pointer]),
    getMemory: llama.func("llama_get_memory", pointer, [pointer]),
    memoryClear: llama.func("llama_memory_clear", "void", [pointer, "bool"]),
    attachThreadpool: llama.func("llama_attach_threadpool", "void", [pointer, pointer, pointer]),
    setThreadCount: llama.func("llama_set_n_threads", "void", [pointer, "int32_t", "int32_t"]),
    decode: llama.func("llama_decode", "int32_t", [pointer, types.batch]),
    synchronize: llama.func("llama_synchronize", "void", [pointer]),
    getLogitsIth: llama.func("llama_get_logits_ith", pointer, [pointer, "int32_t"]),
    stateSeqGetSize: llama.func("llama_state_seq_get_size", "size_t", [pointer, "int32_t"]),
    stateSeqGetData: llama.func("llama_state_seq_get_data", "size_t", [
      pointer,
      pointer,
      "size_t",
      "int32_t",
    ]),
    stateSeqSetData: llama.func("llama_state_seq_set_data", "size_t", [
      pointer,
      pointer,
      "size_t",
      "int32_t",
    ]),
    deviceCount: ggml.func("ggml_backend_dev_count", "size_t", []),
    deviceGet: ggml.func("ggml_backend_dev_get", pointer, ["size_t"]),
    deviceByType: ggml.func("ggml_backend_dev_by_type", pointer, ["int"]),
    deviceType: base.func("ggml_backend_dev_type", "int", [pointer]),
    deviceName: base.func("ggml_backend_dev_name", "str", [pointer]),
    deviceDescription: base.func("ggml_backend_dev_description", "str", [pointer]),
    deviceMemory: base.func("ggml_backend_dev_memory", "void", [
      pointer,
      koffi.out(koffi.pointer("size_t")),
      koffi.out(koffi.pointer("size_t")),
    ]),
    deviceRegistry: base.func("ggml_backend_dev_backend_reg", pointer, [pointer]),
    registryCount: ggml.func("ggml_backend_reg_count", "size_t", []),
    registryGet: ggml.func("ggml_backend_reg_get", pointer, ["size_t"]),
    registryName: base.func("ggml_backend_reg_name", "str", [pointer]),
    registryProcAddress: base.func("ggml_backend_reg_get_proc_address", pointer, [pointer, "str"]),
    threadpoolParamsSize: koffi.sizeof(types.threadpoolParams),
    threadpoolParamsInit: base.func("ggml_threadpool_params_init", "void", [pointer, "int"]),
    threadpoolNew: (address, params) => koffi.call(address, newPool, params) as Handle | null,
    threadpoolFree: (address, pool) => {
      koffi.call(address, freePool, pool);
    },
    defaultThreadCount: () => threads?.() ?? null,
    buildNumber: () => build?.() ?? 0,
  };
}

function openOptional(installed: InstalledLibraries): LibraryHandle | null {
  if (installed.names.llamaCommon === null) return null;
  try {
    return koffi.load(join(installed.directory, installed.names.llamaCommon));
  } catch {
    return null;
  }
}

function firstFunction(library: LibraryHandle, names: readonly string[]): (() => number) | null {
  for (const name of names) {
    try {
      return library.func(name, "int", []) as unknown as () => number;
    } catch {
      // The name is mangled another way on this platform.
    }
  }
  return null;
}
