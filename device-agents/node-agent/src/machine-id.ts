import { createHash, randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunCommand } from "./command-host.js";
import { readText } from "./read-text.js";

/** macOS: `ioreg -rd1 -c IOPlatformExpertDevice` prints `"IOPlatformUUID" = "..."`. */
export function parseIoregUuid(text: string): string | null {
  return /"IOPlatformUUID"\s*=\s*"([0-9A-Fa-f-]{36})"/.exec(text)?.[1] ?? null;
}

/** Windows: `reg query HKLM\SOFTWARE\Microsoft\Cryptography /v MachineGuid` prints `MachineGuid    REG_SZ    ...`. */
export function parseMachineGuid(text: string): string | null {
  return /MachineGuid\s+REG_SZ\s+([0-9A-Fa-f-]{36})/.exec(text)?.[1] ?? null;
}

async function systemId(platform: string, run: RunCommand): Promise<string | null> {
  if (platform === "darwin") {
    return parseIoregUuid((await run("ioreg", ["-rd1", "-c", "IOPlatformExpertDevice"])) ?? "");
  }
  if (platform === "win32") {
    const key = "HKLM\\SOFTWARE\\Microsoft\\Cryptography";
    const arguments_ = ["query", key, "/v", "MachineGuid", "/reg:64"];
    return parseMachineGuid((await run("reg", arguments_)) ?? "");
  }
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    const id = await readText(path);
    if (id !== null && /^[0-9a-f]{32}$/.test(id)) return id;
  }
  return null;
}

/**
 * A stable name of this machine: a digest of the system's own machine id, which itself is told to nobody (machine-id(5) asks for
 * that). A system without one gets a random id that stays in the agent's folder.
 */
export async function readLocalId(
  folder: string,
  platform: string,
  run: RunCommand,
): Promise<string> {
  const id = (await systemId(platform, run)) ?? (await ownId(folder));
  const digest = createHash("sha256")
    .update(`benchfarm machine\0${id.toLowerCase()}`)
    .digest("hex");
  return `machine-${digest.slice(0, 32)}`;
}

async function ownId(folder: string): Promise<string> {
  const path = join(folder, "machine-id");
  const existing = await readText(path);
  if (existing !== null && existing !== "") return existing;
  const id = randomUUID();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path, `${id}\n`, { mode: 0o600 });
  return id;
}
