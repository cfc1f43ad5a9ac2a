import pg from "pg";
import type { Prisma } from "./generated/client.js";

/**
 * What a store of raw SQL needs of a transaction: Prisma's own has it, and so have the lean ones of `Database.sql` and
 * `Database.inSqlTransaction`, which cost a fifth of the processor time and let PostgreSQL keep its plans.
 */
export interface SqlTx {
  $queryRaw<T = unknown>(query: Prisma.Sql): Promise<T>;
  /** Returns how many rows were affected. */
  $executeRaw(query: Prisma.Sql): Promise<number>;
}

/** Statements are few and fixed; past this many distinct texts, something builds them and they are not worth keeping. */
const MAX_PREPARED = 500;
const names = new Map<string, string>();

/** The name under which a connection prepares a text, the same in all connections. */
function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= MAX_PREPARED) return undefined;
  const name = `farm_${names.size + 1}`;
  names.set(text, name);
  return name;
}

const INT8 = 20;
const parseBigInt = (text: string) => BigInt(text);
/** As Prisma reads columns: int8 is bigint, timestamptz Date, jsonb parsed. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === INT8 && format !== "binary"
      ? parseBigInt
      : pg.types.getTypeParser(oid, format as "text")) as pg.CustomTypesConfig["getTypeParser"],
};

/** Raw SQL through a pool (each statement its own transaction) or through one client that is inside a transaction. */
export class SqlConnection implements SqlTx {
  readonly #on: pg.Pool | pg.PoolClient;

  constructor(on: pg.Pool | pg.PoolClient) {
    this.#on = on;
  }

  async $queryRaw<T = unknown>(query: Prisma.Sql): Promise<T> {
    return (await this.#run(query)).rows as T;
  }

  async $executeRaw(query: Prisma.Sql): Promise<number> {
    return (await this.#run(query)).rowCount ?? 0;
  }

  #run({ text, values }: Prisma.Sql): Promise<pg.QueryResult> {
    const name = nameOf(text);
    return this.#on.query({ text, values, types, ...(name === undefined ? {} : { name }) });
  }
}

/** Runs `work` between begin and commit on a client of its own; rolls back and throws on when it throws. */
export async function inSqlTransaction<T>(
  pool: pg.Pool,
  work: (tx: SqlTx) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await work(new SqlConnection(client));
    await client.query("commit");
    return result;
  } catch (error) {
    // A connection that cannot roll back is in an unknown state and is thrown away.
    await client.query("rollback").catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}
