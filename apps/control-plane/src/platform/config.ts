import { resolve } from "node:path";
import { z } from "zod";

/** What a process of the control plane does: answer HTTP, do background work, or both. */
export type Role = "api" | "worker" | "all";

const duration = (defaultMs: number) => z.coerce.number().int().min(1).default(defaultMs);
const count = (defaultCount: number) => z.coerce.number().int().min(1).default(defaultCount);
const optionalText = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === "" ? null : text));

const Environment = z.object({
  DATABASE_URL: z
    .string({
      message: "is not set; give the PostgreSQL database, such as postgresql://user@host/db",
    })
    .regex(/^postgres(ql)?:\/\//, { message: "must start with postgresql://" }),
  REDIS_URL: optionalText.refine((url) => url === null || /^(rediss?|unix):\/\//.test(url), {
    message: "must start with redis://, rediss:// or unix://",
  }),
  BENCHFARM_HOST: z.string().min(1).default("127.0.0.1"),
  BENCHFARM_PORT: z.coerce.number().int().min(0).max(65_535).default(8787),
  BENCHFARM_ROLE: z.enum(["api", "worker", "all"]).default("all"),
  BENCHFARM_DATA_DIR: z.string().min(1).default(".benchfarm"),
  BENCHFARM_ARTIFACT_DIR: optionalText,
  BENCHFARM_DASHBOARD_DIR: optionalText,
  BENCHFARM_ANONYMOUS_READ_ORG: optionalText,
  BENCHFARM_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info"),
  BENCHFARM_DATABASE_CONNECTIONS: count(20),
  BENCHFARM_TASK_CONCURRENCY: count(4),
  BENCHFARM_QUEUE_PREFIX: z
    .string()
    .regex(/^[\w-]{1,60}$/, { message: "takes letters, digits, - and _, at most 60" })
    .default("benchfarm"),
  BENCHFARM_POLL_WAIT_MS: duration(25_000),
  BENCHFARM_OFFER_MS: duration(30_000),
  BENCHFARM_HEARTBEAT_MS: duration(15_000),
  BENCHFARM_LEASE_MS: duration(60_000),
  BENCHFARM_REQUEUE_AFTER_LOSS_MS: z.coerce.number().int().min(0).default(5_000),
  BENCHFARM_RECONCILE_MS: duration(5_000),
  BENCHFARM_MAX_QUIET_MS: duration(600_000),
  BENCHFARM_RELAY_MS: duration(250),
  BENCHFARM_TASK_LOCK_MS: duration(10_000),
});

/** Timers in milliseconds; the first five are told to agents. */
export interface Timers {
  readonly pollWaitMs: number;
  readonly offerMs: number;
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly maxQuietMs: number;
  /** How long a run waits before it is offered again after its device was lost. */
  readonly requeueAfterLossMs: number;
  /** How often the reconciler looks. */
  readonly reconcileMs: number;
  /** How often the relay looks for outbox rows. */
  readonly relayMs: number;
  /** How long a background task may go without a sign of life before another worker takes it. */
  readonly taskLockMs: number;
}

/** An environment that cannot be run with; the message names each variable and what to do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

/** The process's settings, complete and frozen. A class so that Nest can inject it. */
export class Config {
  readonly databaseUrl!: string;
  /** Null: BullMQ runs on the same PostgreSQL. */
  readonly redisUrl!: string | null;
  readonly host!: string;
  /** 0: any free port. */
  readonly port!: number;
  readonly role!: Role;
  readonly dataDir!: string;
  readonly artifactDir!: string;
  /** A built dashboard to serve at `/`, or null. */
  readonly dashboardDir!: string | null;
  /** Slug of the org whose rows anybody may read, or null. */
  readonly anonymousOrgSlug!: string | null;
  readonly logLevel!: string;
  readonly databaseConnections!: number;
  readonly taskConcurrency!: number;
  /** Keeps farms apart that share a Redis. */
  readonly queuePrefix!: string;
  readonly timers!: Timers;

  constructor(settings: { readonly [K in keyof Config]: Config[K] }) {
    Object.assign(this, settings);
    Object.freeze(this.timers);
    Object.freeze(this);
  }
}

/**
 * Reads the settings from environment variables (README lists them). Throws ConfigError naming every variable that is wrong.
 * Unset variables get their defaults; empty ones count as unset.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigError(`the settings cannot be used:\n  ${lines.join("\n  ")}`);
  }
  const env = parsed.data;
  if (env.BENCHFARM_HEARTBEAT_MS * 2 > env.BENCHFARM_LEASE_MS) {
    throw new ConfigError(
      "BENCHFARM_LEASE_MS must be at least twice BENCHFARM_HEARTBEAT_MS, or one lost heartbeat loses the lease",
    );
  }
  const dataDir = resolve(env.BENCHFARM_DATA_DIR);
  return new Config({
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
    host: env.BENCHFARM_HOST,
    port: env.BENCHFARM_PORT,
    role: env.BENCHFARM_ROLE,
    dataDir,
    artifactDir: resolve(env.BENCHFARM_ARTIFACT_DIR ?? resolve(dataDir, "artifacts")),
    dashboardDir:
      env.BENCHFARM_DASHBOARD_DIR === null ? null : resolve(env.BENCHFARM_DASHBOARD_DIR),
    anonymousOrgSlug: env.BENCHFARM_ANONYMOUS_READ_ORG,
    logLevel: env.BENCHFARM_LOG_LEVEL,
    databaseConnections: env.BENCHFARM_DATABASE_CONNECTIONS,
    taskConcurrency: env.BENCHFARM_TASK_CONCURRENCY,
    queuePrefix: env.BENCHFARM_QUEUE_PREFIX,
    timers: {
      pollWaitMs: env.BENCHFARM_POLL_WAIT_MS,
      offerMs: env.BENCHFARM_OFFER_MS,
      heartbeatMs: env.BENCHFARM_HEARTBEAT_MS,
      leaseMs: env.BENCHFARM_LEASE_MS,
      maxQuietMs: env.BENCHFARM_MAX_QUIET_MS,
      requeueAfterLossMs: env.BENCHFARM_REQUEUE_AFTER_LOSS_MS,
      reconcileMs: env.BENCHFARM_RECONCILE_MS,
      relayMs: env.BENCHFARM_RELAY_MS,
      taskLockMs: env.BENCHFARM_TASK_LOCK_MS,
    },
  });
}
