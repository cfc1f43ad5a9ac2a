import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AgentStopped } from "./agent-failure.js";

const KEY_FILE = "agent-key.pem";
const REGISTRATION_FILE = "agent.json";

/** What a farm knows this agent by. */
export const Registration = z.object({
  url: z.string(),
  agentId: z.string(),
  orgId: z.string(),
  name: z.string(),
});
export type Registration = z.infer<typeof Registration>;

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === "ENOENT";

/** Writes a file whole or not at all, readable by its owner only. */
async function writePrivately(path: string, text: string): Promise<void> {
  const next = `${path}.new`;
  const file = await open(next, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
}

/** The agent's private key: read from its folder, or made there (PKCS #8 PEM, mode 0600). It never leaves the folder. */
export async function ensureKey(folder: string): Promise<KeyObject> {
  const existing = await readKey(folder);
  if (existing !== null) return existing;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await writePrivately(join(folder, KEY_FILE), pem);
  return privateKey;
}

/** The key in the folder, or null. A key that others could read is closed to them again. */
export async function readKey(folder: string): Promise<KeyObject | null> {
  const path = join(folder, KEY_FILE);
  let pem: string;
  try {
    pem = await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  await chmod(path, 0o600);
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw brokenFile(path, cause);
  }
  throw brokenFile(path);
}

/** The registration in the folder, or null when this agent was never enrolled. */
export async function readRegistration(folder: string): Promise<Registration | null> {
  const path = join(folder, REGISTRATION_FILE);
  try {
    return Registration.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (isMissing(error)) return null;
    throw brokenFile(path, error);
  }
}

export async function writeRegistration(folder: string, registration: Registration): Promise<void> {
  await writePrivately(
    join(folder, REGISTRATION_FILE),
    `${JSON.stringify(registration, null, 2)}\n`,
  );
}

function brokenFile(path: string, cause?: unknown): AgentStopped {
  return new AgentStopped(
    "broken_folder",
    `${path} cannot be read; delete it and enrol this agent again with a new code`,
    { cause },
  );
}
