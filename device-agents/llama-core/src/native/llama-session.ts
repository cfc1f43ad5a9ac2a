import koffi from "koffi";
import { EngineFailure } from "../engine-errors.js";
import type { InstalledLibraries } from "../find-libraries.js";
import type { BenchTest } from "../plan-tests.js";
import { CACHE_TYPES } from "../parse-flags.js";
import { checkDefaults, checkVersions } from "./check-release.js";
import { openLlamaLibrary } from "./llama-library.js";
import type { Handle, LlamaLibrary } from "./llama-library.js";
import { LogCollector } from "./log-collector.js";

/** `enum ggml_backend_dev_type` */
const DEVICE_CPU = 0;
const DEVICE_GPU = 1;
const DEVICE_IGPU = 2;
const DEVICE_ACCEL = 3;

/** A device as ggml describes it. */
export interface NativeDevice {
  readonly name: string;
  readonly description: string;
  readonly isGpu: boolean;
  readonly isCpu: boolean;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
}

/** A loaded model and what is printed about it. */
export interface LoadedModel {
  readonly handle: Handle;
  readonly description: string;
  readonly sizeBytes: number;
  readonly parameterCount: number;
  readonly vocabularySize: number;
  /** The token that stands first, or null when the model's tokenizer adds none. */
  readonly firstToken: number | null;
  readonly loadNs: number;
  /** Log lines of the load. */
  readonly logLines: readonly string[];
}

/** A context with its thread pool attached. */
export interface OpenContext {
  readonly handle: Handle;
  readonly threadpool: Handle;
  readonly logLines: readonly string[];
}

/**
 * llama.cpp opened, checked and initialised in this process. There is one per process; everything on it
 * blocks the calling thread.
 */
export class LlamaSession {
  private constructor(
    readonly library: LlamaLibrary,
    readonly log: LogCollector,
    /** Log lines of opening the backends. */
    readonly backendLogLines: readonly string[],
    private readonly threadpoolNew: Handle,
    private readonly threadpoolFree: Handle,
  ) {}

  /**
   * Opens the libraries, refuses another release, loads the backend modules of the package.
   *
   * @throws EngineFailure when the release differs or no CPU backend can be loaded
   */
  static open(installed: InstalledLibraries, log: LogCollector): LlamaSession {
    const library = openLlamaLibrary(installed);
    checkVersions({ llamaVersion: library.llamaVersion(), ggmlVersion: library.ggmlVersion() });
    checkDefaults(library.modelDefaultParams(), library.contextDefaultParams());
    log.attach(library);
    library.loadAllBackends(installed.directory);
    const cpu = library.deviceByType(DEVICE_CPU);
    if (cpu === null) {
      throw new EngineFailure(
        `no CPU backend of ${installed.packageName} could be loaded from ${installed.directory}`,
      );
    }
    const registry = library.deviceRegistry(cpu);
    const poolNew = library.registryProcAddress(registry, "ggml_threadpool_new");
    const poolFree = library.registryProcAddress(registry, "ggml_threadpool_free");
    if (poolNew === null || poolFree === null) {
      throw new EngineFailure("the CPU backend exports no thread pool");
    }
    library.backendInit();
    library.numaInit(0);
    return new LlamaSession(library, log, log.take(), poolNew, poolFree);
  }

  /** Devices in ggml's order. */
  devices(): NativeDevice[] {
    return Array.from({ length: Number(this.library.deviceCount()) }, (_, index) => {
      const device = this.library.deviceGet(index);
      const type = this.library.deviceType(device);
      const free = [0];
      const total = [0];
      this.library.deviceMemory(device, free, total);
      return {
        name: this.library.deviceName(device),
        description: this.library.deviceDescription(device),
        isGpu: type === DEVICE_GPU || type === DEVICE_IGPU,
        isCpu: type === DEVICE_CPU || type === DEVICE_ACCEL,
        memoryTotalBytes: Number(total[0]),
        memoryFreeBytes: Number(free[0]),
      };
    });
  }

  /** Names of the registered backends, e.g. `["CPU"]`. */
  backendNames(): string[] {
    return Array.from({ length: Number(this.library.registryCount()) }, (_, index) =>
      this.library.registryName(this.library.registryGet(index)),
    );
  }

  /**
   * Loads a model with llama-bench's parameters.
   *
   * @throws EngineFailure with llama.cpp's own words when it refuses the file
   */
  loadModel(path: string, gpuLayers: number): LoadedModel {
    const params = { ...this.library.modelDefaultParams(), n_gpu_layers: gpuLayers };
    const start = process.hrtime.bigint();
    const handle = this.log.during(() => this.library.modelLoadFromFile(path, params));
    const loadNs = Number(process.hrtime.bigint() - start);
    if (handle === null) {
      throw new EngineFailure(`failed to load model '${path}'${this.log.reason()}`);
    }
    const vocab = this.library.modelGetVocab(handle);
    const text = Buffer.alloc(128);
    this.library.modelDesc(handle, text as Uint8Array, text.length);
    const vocabularySize = this.library.vocabTokenCount(vocab);
    if (vocabularySize <= 0) throw new EngineFailure(`'${path}' has no vocabulary`);
    return {
      handle,
      description: text.toString("utf8", 0, Math.max(0, text.indexOf(0))),
      sizeBytes: Number(this.library.modelSize(handle)),
      parameterCount: Number(this.library.modelParamCount(handle)),
      vocabularySize,
      firstToken: this.library.vocabGetAddBos(vocab) ? this.library.vocabBos(vocab) : null,
      loadNs,
      logLines: this.log.take(),
    };
  }

  /**
   * Makes a context sized and set as llama-bench does (`to_llama_cparams`) with a thread pool of its own.
   *
   * @throws EngineFailure with llama.cpp's own words
   */
  openContext(model: LoadedModel, test: BenchTest): OpenContext {
    const params = {
      ...this.library.contextDefaultParams(),
      n_ctx: test.promptTokens + test.generatedTokens + test.depthTokens,
      n_batch: test.batchSize,
      n_ubatch: test.ubatchSize,
      type_k: CACHE_TYPES[test.cacheTypeK] ?? 1,
      type_v: CACHE_TYPES[test.cacheTypeV] ?? 1,
      flash_attn_type: test.flashAttention,
      swa_full: false,
    };
    const handle = this.log.during(() => this.library.initFromModel(model.handle, params));
    if (handle === null) {
      throw new EngineFailure(
        `failed to create a context with model '${test.modelPath}'${this.log.reason()}`,
      );
    }
    const threadpool = this.newThreadpool(test);
    if (threadpool === null) {
      this.library.free(handle);
      throw new EngineFailure(`failed to create a pool of ${test.threads} threads`);
    }
    this.library.attachThreadpool(handle, threadpool, null);
    return { handle, threadpool, logLines: this.log.take() };
  }

  closeContext(context: OpenContext): void {
    this.library.free(context.handle);
    this.library.threadpoolFree(this.threadpoolFree, context.threadpool);
  }

  private newThreadpool(test: BenchTest): Handle | null {
    const address = koffi.alloc("uint8_t", this.library.threadpoolParamsSize) as Handle;
    this.library.threadpoolParamsInit(address, test.threads);
    // `poll` is the third field after the CPU mask (512 bytes), the thread count and the priority.
    koffi.encode(address, 520, "uint32_t", test.poll);
    const pool = this.library.threadpoolNew(this.threadpoolNew, address);
    koffi.free(address);
    return pool;
  }
}
