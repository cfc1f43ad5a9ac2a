/** The current instant as llama-bench writes it (RFC 3339, UTC, whole seconds). */
export function currentInstant(): string {
  return new Date().toISOString().replace(/\.\d{3}Z$/u, "Z");
}
