import { delimiter } from "node:path";

/** What the agent takes from its environment. */
export interface NodeAgentConfig {
  /** An official llama-bench to use: `BENCHFARM_LLAMA_BENCH`. */
  llamaBench: string | null;
  /** Folders of PATH, in order. */
  searchPath: string[];
  /**
   * How busy other programs may keep the processor when a repetition starts, 0 to 1: `BENCHFARM_MAX_BUSY`. `off` for 1: then load is
   * recorded, and not waited for.
   */
  maxCpuBusyFraction: number | null;
  /** All that an engine process may know of this one's environment. */
  engineEnvironment: Record<string, string>;
}

/**
 * Variables without which programs do not start, or do not find their libraries and drivers. Everything else is withheld:
 * `NODE_OPTIONS`, `GGML_*`, `OMP_*` and the like would change what is measured without a trace.
 */
const PASSED_ON = [
  "PATH",
  "HOME",
  "USERPROFILE",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "SystemDrive",
  "windir",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "XDG_RUNTIME_DIR",
  "VK_ICD_FILENAMES",
  "VK_DRIVER_FILES",
];

export function readNodeAgentConfig(env: NodeJS.ProcessEnv = process.env): NodeAgentConfig {
  const engineEnvironment: Record<string, string> = { LC_ALL: "C" };
  for (const name of PASSED_ON) {
    const value = env[name];
    if (value !== undefined) engineEnvironment[name] = value;
  }
  const maxBusy = env["BENCHFARM_MAX_BUSY"]?.trim() ?? "";
  const maxCpuBusyFraction = maxBusy === "" ? null : maxBusy === "off" ? 1 : Number(maxBusy);
  if (maxCpuBusyFraction !== null && !(maxCpuBusyFraction >= 0 && maxCpuBusyFraction <= 1)) {
    throw new RangeError(`BENCHFARM_MAX_BUSY is "${maxBusy}"; give a share from 0 to 1, or off`);
  }
  const llamaBench = env["BENCHFARM_LLAMA_BENCH"]?.trim() ?? "";
  return {
    llamaBench: llamaBench === "" ? null : llamaBench,
    maxCpuBusyFraction,
    searchPath: (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""),
    engineEnvironment,
  };
}
