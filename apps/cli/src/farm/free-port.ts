import { createServer } from "node:net";
import { SettingError } from "../config.js";

/** Throws SettingError naming the port and its setting when something else listens on `host:port`. */
export async function requireFreePort(host: string, port: number): Promise<void> {
  await new Promise<void>((done, fail) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      fail(
        new SettingError(
          error.code === "EADDRINUSE"
            ? `Port ${port} on ${host} is taken by another program. Choose a free one with BENCHFARM_PORT (or --port).`
            : `Cannot listen on ${host}:${port} (${error.code ?? error.message}). Choose another address with BENCHFARM_HOST and BENCHFARM_PORT.`,
        ),
      );
    });
    server.listen(port, host, () => server.close(() => done()));
  });
}
