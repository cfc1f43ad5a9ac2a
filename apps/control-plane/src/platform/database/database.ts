import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { Injectable, type OnApplicationShutdown } from "@nestjs/common";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { ZodType } from "zod";
import { Config } from "../config.js";
import { Prisma, PrismaClient } from "./generated/client.js";
import { inSqlTransaction, SqlConnection, type SqlTx } from "./sql-connection.js";

export { Prisma };
export type { SqlTx };

/** Prisma bound to one transaction, or to none: models and raw SQL, without the power to open or close anything. */
export type Tx = Prisma.TransactionClient;

export interface TransactionOptions {
  isolation?: Prisma.TransactionIsolationLevel;
  /** How long the work may take before it is rolled back; 30 s. */
  timeoutMs?: number;
}

const MAX_TRIES = 5;
const CLOSE_MS = 5_000;
const RETRYABLE = new Set(["40001", "40P01"]);

/** The farm's PostgreSQL: one pool per process, shared by Prisma and by the queue's own SQL. */
@Injectable()
export class Database implements OnApplicationShutdown {
  /** For platform code that speaks to PostgreSQL itself. */
  readonly pool: pg.Pool;
  /** Lean raw SQL outside any transaction, for the calls that agents make all the time: each statement commits by itself. */
  readonly sql: SqlTx;
  readonly #client: PrismaClient;
  readonly #ambient = new AsyncLocalStorage<Tx>();
  #closed: Promise<void> | undefined;

  constructor(config: Config) {
    this.pool = new pg.Pool({
      connectionString: config.databaseUrl,
      max: config.databaseConnections,
      application_name: `benchfarm-${config.role}`,
      keepAlive: true,
    });
    // An idle connection that breaks is replaced by the pool; whoever queries next is told if the database is gone.
    this.pool.on("error", () => undefined);
    // A connection that breaks while it is lent out, between two queries, would end the process; its next query fails instead.
    this.pool.on("connect", (client) => client.on("error", () => undefined));
    this.sql = new SqlConnection(this.pool);
    this.#client = new PrismaClient({ adapter: new PrismaPg(this.pool) });
  }

  /** Prisma outside a transaction; inside `inOuterTransaction` it is that transaction. */
  get prisma(): Tx {
    return this.#ambient.getStore() ?? this.#client;
  }

  /**
   * Runs `work` in one transaction and commits it. A serialization failure or deadlock rolls back and runs `work` again, at most five
   * times with growing random pauses, so `work` must change nothing but the database. Other errors roll back and are thrown on.
   */
  async inTransaction<T>(
    work: (tx: Tx) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const outer = this.#ambient.getStore();
    if (outer !== undefined) return work(outer);
    return retryConflicts(() =>
      this.#client.$transaction(work, {
        maxWait: 15_000,
        timeout: options.timeoutMs ?? 30_000,
        ...(options.isolation === undefined ? {} : { isolationLevel: options.isolation }),
      }),
    );
  }

  /** As `inTransaction` for work that is raw SQL alone, at a fifth of its processor time. Joins no outer transaction. */
  async inSqlTransaction<T>(work: (tx: SqlTx) => Promise<T>): Promise<T> {
    return retryConflicts(() => inSqlTransaction(this.pool, work));
  }

  /**
   * As `inTransaction`, and every `inTransaction`, `query` and `prisma` that `work` reaches joins this one transaction. Work that is
   * started here must have ended when `work` resolves.
   */
  async inOuterTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.inTransaction((tx) => this.#ambient.run(tx, () => work(tx)));
  }

  /** Runs SQL and parses every row by `schema`; int8 columns are bigint, timestamps Date. */
  async query<T>(schema: ZodType<T>, sql: Prisma.Sql, tx: Tx = this.prisma): Promise<T[]> {
    const rows = await tx.$queryRaw<unknown[]>(sql);
    return rows.map((row) => schema.parse(row));
  }

  /** Closes the pool; running queries end first, for 5 s at most. Safe to repeat. */
  close(): Promise<void> {
    const ended = () => this.#client.$disconnect().then(() => this.pool.end());
    this.#closed ??= Promise.race([ended(), delay(CLOSE_MS, undefined, { ref: false })]);
    return this.#closed;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= MAX_TRIES || !isConflict(error)) throw error;
      await delay(Math.random() * 10 * 2 ** attempt);
    }
  }
}

/** Whether the database gave up on a transaction only because of others that ran beside it. */
export function isConflict(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return RETRYABLE.has(error.code ?? "");
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  if (error.code === "P2034") return true;
  return error.code === "P2010" && RETRYABLE.has(sqlState(error) ?? "");
}

/** Whether the database could not be reached or hung up. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    if (["P1001", "P1002", "P1008", "P1017", "P2024", "P2037"].includes(error.code)) return true;
    return /^(57P0[123]|53300|08)/.test(sqlState(error) ?? "");
  }
  const code = (error as { code?: unknown } | null)?.code;
  return (
    typeof code === "string" && /^(ECONNREFUSED|ECONNRESET|ENOENT|57P0[123]|53300)$/.test(code)
  );
}

/** Whether a unique constraint refused a row: the loser of a race to insert. */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return error.code === "23505";
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  return error.code === "P2002" || sqlState(error) === "23505";
}

/** PostgreSQL's error code behind a failed raw query, such as `23505`, or null. */
export function sqlState(error: unknown): string | null {
  if (error instanceof pg.DatabaseError) return error.code ?? null;
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return null;
  const cause = (
    error.meta as
      | { driverAdapterError?: { cause?: { originalCode?: string; code?: string; kind?: string } } }
      | undefined
  )?.driverAdapterError?.cause;
  if (cause?.originalCode !== undefined) return cause.originalCode;
  if (cause?.kind === "TransactionWriteConflict") return "40001";
  return cause?.code ?? null;
}
