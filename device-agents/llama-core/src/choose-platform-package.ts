import { EngineUnavailableError } from "./engine-errors.js";

/** What the choice of a native package depends on, as Node reports it. */
export interface HostPlatform {
  /** `process.platform` */
  readonly platform: string;
  /** `process.arch` */
  readonly arch: string;
  /** Whether the C library is glibc; null where the question has no meaning (not Linux). */
  readonly isGlibc: boolean | null;
}

const PACKAGE_BY_HOST: Readonly<Record<string, string>> = {
  "linux-x64": "@node-llama-cpp/linux-x64",
  "linux-arm64": "@node-llama-cpp/linux-arm64",
  "linux-arm": "@node-llama-cpp/linux-armv7l",
  "darwin-arm64": "@node-llama-cpp/mac-arm64-metal",
  "darwin-x64": "@node-llama-cpp/mac-x64",
  "win32-x64": "@node-llama-cpp/win-x64",
  "win32-arm64": "@node-llama-cpp/win-arm64",
};

/** Packages a user installs on purpose (70 MB and more), by the host they run on. */
const GPU_PACKAGES_BY_HOST: Readonly<Record<string, readonly string[]>> = {
  "linux-x64": ["@node-llama-cpp/linux-x64-vulkan", "@node-llama-cpp/linux-x64-cuda"],
  "win32-x64": ["@node-llama-cpp/win-x64-vulkan", "@node-llama-cpp/win-x64-cuda"],
};

/**
 * Names the npm package that carries the native libraries for a host.
 *
 * @param wanted a package name the user asked for instead of the host's default one; it must be one that
 *   runs on this host
 * @throws EngineUnavailableError `unsupported_platform` when no package runs on the host
 */
export function choosePlatformPackage(host: HostPlatform, wanted?: string): string {
  const key = `${host.platform}-${host.arch}`;
  const standard = PACKAGE_BY_HOST[key];
  if (standard === undefined) {
    throw new EngineUnavailableError(
      "unsupported_platform",
      `no prebuilt llama.cpp exists for ${key}. Build llama-bench from source there and point the agent to it.`,
    );
  }
  if (host.platform === "linux" && host.isGlibc === false) {
    throw new EngineUnavailableError(
      "unsupported_platform",
      `the prebuilt llama.cpp for ${key} needs glibc, and this system has another C library (musl?). ` +
        "Use a glibc distribution or image, or point the agent to a llama-bench built on this system.",
    );
  }
  if (wanted === undefined) return standard;
  const usable = [standard, ...(GPU_PACKAGES_BY_HOST[key] ?? [])];
  if (usable.includes(wanted)) return wanted;
  throw new EngineUnavailableError(
    "unsupported_platform",
    `${wanted} does not run on ${key}; the packages that do are ${usable.join(", ")}.`,
  );
}

/** Reads the running process's own host facts. */
export function currentHost(): HostPlatform {
  return {
    platform: process.platform,
    arch: process.arch,
    isGlibc: process.platform === "linux" ? readsGlibc() : null,
  };
}

function readsGlibc(): boolean {
  const report = process.report?.getReport() as
    { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime !== undefined;
}
