import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const Credentials = z.object({ url: z.string(), apiKey: z.string() });
export type Credentials = z.infer<typeof Credentials>;

const file = (dataDir: string) => join(dataDir, "credentials.json");

/** The address and key of the farm kept in `dataDir`, or null when there is none. */
export function readCredentials(dataDir: string): Credentials | null {
  try {
    return Credentials.parse(JSON.parse(readFileSync(file(dataDir), "utf8")));
  } catch {
    return null;
  }
}

/** Keeps the farm's address and its administrator's key for later commands, readable by this user alone. */
export function writeCredentials(dataDir: string, credentials: Credentials): void {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file(dataDir), `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
}
