import { EngineUnavailableError } from "./engine-errors.js";
import { LLAMA_RELEASE } from "./embedded-release.js";

/** File names (no folder) of one native package, in the order in which they are opened. */
export interface LibraryNames {
  readonly ggmlBase: string;
  readonly ggml: string;
  readonly llama: string;
  /** llama.cpp's helper library; only its thread count and build number are used, so it may be absent. */
  readonly llamaCommon: string | null;
  /** Backend modules that ggml itself opens from the folder, sorted. */
  readonly backendModules: readonly string[];
  /** Backends that those modules can provide, e.g. `["cpu"]` or `["cpu", "metal"]`, cpu first. */
  readonly backends: readonly string[];
}

const LIBRARY = /^(?:lib)?(?<stem>.+)\.(?:so|dylib|dll)$/u;
const BACKEND_ORDER = ["cpu", "metal", "cuda", "vulkan", "hip", "sycl", "opencl", "hexagon"];

/**
 * Sorts a native package's folder listing into the libraries llama.cpp consists of. Names follow
 * llama.cpp's build plus node-llama-cpp's variant suffix: `libllama[.<gpu>].v0.4.0.{so,dylib}` or
 * `llama[.<gpu>].v0.4.0.dll`; backend modules are `libggml-<backend>[-<cpu variant>].so` on Linux and
 * macOS, `ggml-<backend>[-<cpu variant>].dll` on Windows.
 *
 * @throws EngineUnavailableError `wrong_package_version` when the libraries are of another llama.cpp release,
 *   `incomplete_package` when one is missing
 */
export function chooseLibraries(fileNames: readonly string[]): LibraryNames {
  const stems = new Map<string, string>();
  for (const name of [...fileNames].sort()) {
    const stem = LIBRARY.exec(name)?.groups?.["stem"];
    if (stem !== undefined) stems.set(stem, name);
  }
  const backendModules: string[] = [];
  const backends = new Set<string>();
  for (const [stem, name] of stems) {
    const backend = /^ggml-(?<backend>[a-z0-9]+)(?:-.+)?$/u.exec(stem)?.groups?.["backend"];
    if (backend === undefined || backend === "base") continue;
    backendModules.push(name);
    // BLAS only speeds up some CPU operators; it never holds a model's layers.
    if (backend !== "blas") backends.add(backend);
  }
  const llama = versioned(stems, "llama");
  const ggml = versioned(stems, "ggml");
  const ggmlBase = stems.get("ggml-base");
  if (ggmlBase === undefined || !backends.has("cpu")) {
    throw incomplete(ggmlBase === undefined ? "ggml-base" : "ggml-cpu");
  }
  return {
    ggmlBase,
    ggml,
    llama,
    llamaCommon: stems.get("llama-common") ?? null,
    backendModules,
    backends: [...backends].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b)),
  };
}

/** Which file names of a folder belong to the engine build (and so to its digest), sorted. */
export function libraryFileNames(fileNames: readonly string[]): string[] {
  return fileNames.filter((name) => LIBRARY.test(name)).sort();
}

function versioned(stems: ReadonlyMap<string, string>, library: "llama" | "ggml"): string {
  const pattern = new RegExp(`^${library}(?:\\.[a-z]+)?\\.(?<release>v\\d+\\.\\d+\\.\\d+)$`, "u");
  let other: string | undefined;
  for (const [stem, name] of stems) {
    const release = pattern.exec(stem)?.groups?.["release"];
    if (release === LLAMA_RELEASE) return name;
    other ??= release;
  }
  if (other === undefined) throw incomplete(library);
  throw new EngineUnavailableError(
    "wrong_package_version",
    `the native package carries llama.cpp ${other}, and this program is written for ${LLAMA_RELEASE}. ` +
      "Run npm install in the Benchfarm folder to get the pinned package.",
  );
}

function incomplete(library: string): EngineUnavailableError {
  return new EngineUnavailableError(
    "incomplete_package",
    `the native package has no ${library} library. Delete its folder under node_modules and run npm install.`,
  );
}

function rank(backend: string): number {
  const index = BACKEND_ORDER.indexOf(backend);
  return index === -1 ? BACKEND_ORDER.length : index;
}
