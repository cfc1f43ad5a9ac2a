import { readFile } from "node:fs/promises";

/** A small text file of the system, trimmed; null when it cannot be read. */
export async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return null;
  }
}
