import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * Counts physical cores: on Linux the distinct sets of thread siblings, as llama.cpp's
 * `common_cpu_get_num_physical_cores` does; elsewhere the logical processors, halved above four. Only used
 * where llama.cpp's own function cannot be called.
 *
 * @param readText reads a file; throws when there is none
 */
export function countPhysicalCores(
  readText: (path: string) => string = (path) => readFileSync(path, "utf8"),
): number {
  const siblings = new Set<string>();
  for (let cpu = 0; ; cpu++) {
    try {
      siblings.add(readText(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings`).trim());
    } catch {
      break;
    }
  }
  if (siblings.size > 0) return siblings.size;
  const logical = availableParallelism();
  return logical > 4 ? Math.floor(logical / 2) : logical;
}
