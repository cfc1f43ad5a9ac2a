import { totalmem } from "node:os";

/** `"full"`: what was acknowledged survives a power cut. `"disposable"`: survives a killed process, for throw-away data. */
export type Durability = "full" | "disposable";

const MIB = 1024 * 1024;

/**
 * Server settings as `name=value`. Shared buffers are a sixteenth of memory, at least 32 MiB and at most 256 MiB, so
 * that a board with 1 GiB still has room for the model it measures. `synchronous_commit` is never off: the queue's
 * acknowledged jobs would be lost with the process.
 */
export function serverSettings(
  durability: Durability,
  totalMemoryBytes: number = totalmem(),
): string[] {
  const sharedBuffersMib = Math.min(256, Math.max(32, Math.floor(totalMemoryBytes / 16 / MIB)));
  return [
    "max_connections=200",
    `shared_buffers=${sharedBuffersMib}MB`,
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    "jit=off",
    ...(durability === "disposable" ? ["fsync=off", "full_page_writes=off"] : []),
  ];
}
