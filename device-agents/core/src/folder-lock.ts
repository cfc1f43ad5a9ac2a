import { createHash } from "node:crypto";
import { mkdir, realpath, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentStopped } from "./agent-failure.js";

/** Unix socket paths longer than this do not fit every platform's `sun_path`. */
const LONGEST_SOCKET_PATH = 100;

export interface FolderLock {
  release(): Promise<void>;
}

async function socketPath(folder: string): Promise<string> {
  const real = await realpath(folder);
  const digest = createHash("sha256").update(real).digest("hex").slice(0, 24);
  if (process.platform === "win32") return `\\\\.\\pipe\\benchfarm-agent-${digest}`;
  const inside = join(real, "agent.sock");
  return inside.length <= LONGEST_SOCKET_PATH
    ? inside
    : join(tmpdir(), `benchfarm-agent-${digest}.sock`);
}

const listen = (path: string) =>
  new Promise<Server>((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });

const answers = (path: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

/**
 * Makes this process the folder's only agent, by a socket that it listens on: it vanishes with the process, however that ends, and
 * unlike a file with a pid in it cannot name a process that came later. Throws AgentStopped when another agent has the folder.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = await socketPath(folder);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      const server = await listen(path);
      return { release: () => new Promise((resolve) => server.close(() => resolve())) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      if (await answers(path)) break;
      if (process.platform !== "win32") await unlink(path).catch(() => undefined);
    }
  }
  throw new AgentStopped(
    "folder_in_use",
    `another agent runs in ${folder}; stop it, or give this one a folder of its own`,
  );
}
