import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import { AppModule } from "./app.module.js";
import type { Config } from "./platform/config.js";
import { Log } from "./platform/log.js";
import { createApp, type CreateAppOptions } from "./platform/http/create-app.js";

export interface ControlPlane {
  /** Where it listens, such as `http://127.0.0.1:8787`. */
  url: string;
  app: NestFastifyApplication;
  /** Ends running requests and tasks, then lets go of the database and the queue. Safe to repeat. */
  close(): Promise<void>;
}

/** A port that somebody else has; the message names the port and the setting. */
export class PortTakenError extends Error {
  constructor(port: number, options?: ErrorOptions) {
    super(
      `port ${port} is taken by another program; choose another with BENCHFARM_PORT, such as BENCHFARM_PORT=${port + 1}`,
      options,
    );
    this.name = "PortTakenError";
  }
}

/** Starts the control plane on a migrated database and resolves when it answers. Throws PortTakenError, RouteTableError. */
export async function startControlPlane(
  config: Config,
  options: CreateAppOptions = {},
): Promise<ControlPlane> {
  const app = await createApp(AppModule.withConfig(config), options);
  try {
    await app.listen({ port: config.port, host: config.host });
  } catch (error) {
    await app.close();
    if ((error as { code?: unknown }).code === "EADDRINUSE") {
      throw new PortTakenError(config.port, { cause: error });
    }
    throw error;
  }
  const url = urlOf(app, config.host);
  app
    .get(Log)
    .pino.info({ url, queue: config.redisUrl === null ? "postgresql" : "redis" }, "started");
  let closing: Promise<void> | undefined;
  return {
    url,
    app,
    close: () => (closing ??= app.close()),
  };
}

function urlOf(app: NestFastifyApplication, host: string): string {
  const address = app.getHttpServer().address() as { port: number } | null;
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${address?.port}`;
}
