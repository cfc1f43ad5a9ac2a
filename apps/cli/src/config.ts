import { resolve } from "node:path";
import { z } from "zod";

const Environment = z.object({
  BENCHFARM_URL: z.url().optional(),
  BENCHFARM_API_KEY: z.string().min(1).optional(),
  BENCHFARM_DATA_DIR: z.string().min(1).default(".benchfarm"),
  BENCHFARM_HOST: z.string().min(1).default("127.0.0.1"),
  BENCHFARM_PORT: z.coerce.number().int().min(1).max(65_535).default(8787),
  BENCHFARM_LLAMA_BENCH: z.string().min(1).optional(),
  DATABASE_URL: z.string().min(1).optional(),
  REDIS_URL: z.string().min(1).optional(),
  COLUMNS: z.coerce.number().int().positive().optional(),
});

/** The settings of the command line, from the environment; flags of a command go before them. */
export interface CliConfig {
  url: string | null;
  apiKey: string | null;
  /** Absolute. Everything that a local farm keeps is in it. */
  dataDir: string;
  host: string;
  port: number;
  llamaBench: string | null;
  databaseUrl: string | null;
  redisUrl: string | null;
  /** What the environment says of the terminal's width; the terminal itself goes before it. */
  columns: number | null;
  /** The environment as it was, for child processes. */
  environment: NodeJS.ProcessEnv;
}

/** A setting that cannot be used; the message names it. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SettingError";
  }
}

/** Reads the settings. Throws SettingError naming each variable that is wrong. */
export function loadCliConfig(environment: NodeJS.ProcessEnv = process.env): CliConfig {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(
      (issue) =>
        `${issue.path.join(".")}=${String(given[String(issue.path[0])])}: ${issue.message}`,
    );
    throw new SettingError(`These settings cannot be used:\n  ${lines.join("\n  ")}`);
  }
  const env = parsed.data;
  return {
    url: env.BENCHFARM_URL ?? null,
    apiKey: env.BENCHFARM_API_KEY ?? null,
    dataDir: resolve(env.BENCHFARM_DATA_DIR),
    host: env.BENCHFARM_HOST,
    port: env.BENCHFARM_PORT,
    llamaBench: env.BENCHFARM_LLAMA_BENCH ?? null,
    databaseUrl: env.DATABASE_URL ?? null,
    redisUrl: env.REDIS_URL ?? null,
    columns: env.COLUMNS ?? null,
    environment,
  };
}
