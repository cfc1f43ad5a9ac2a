import { createHash, randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";

/** The advisory lock that Prisma's own migrate commands take: the two never run at once. */
const MIGRATE_LOCK = 72_707_369;

const LEDGER = `
create table if not exists _prisma_migrations (
  id varchar(36) primary key not null,
  checksum varchar(64) not null,
  finished_at timestamptz,
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`;

/** A database that cannot be brought to this program's schema; the message says why and what to do. */
export class MigrationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MigrationError";
  }
}

export interface Migration {
  name: string;
  /** SHA-256 of the file, hex: Prisma's checksum. */
  checksum: string;
  sql: string;
}

/** The migrations this program was built with, in order. */
export function listMigrations(): Migration[] {
  const folder = fileURLToPath(new URL("../../../../../prisma/migrations", import.meta.url));
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(folder, name, "migration.sql"));
      const checksum = createHash("sha256").update(bytes).digest("hex");
      return { name, checksum, sql: bytes.toString("utf8") };
    });
}

/** One digest over all migrations: databases with the same one have the same schema. */
export function migrationsDigest(): string {
  const hash = createHash("sha256");
  for (const { name, checksum } of listMigrations()) hash.update(`${name} ${checksum}\n`);
  return hash.digest("hex");
}

/**
 * Applies the migrations that the database lacks, in order, under Prisma's lock and in Prisma's own ledger, so that `prisma migrate`
 * and this runner can be used in turn. Several processes may call it at once. Returns the names applied. Throws MigrationError for a
 * migration that failed before, was changed after it was applied, or fails now (its changes are rolled back).
 */
export async function runMigrations(
  databaseUrl: string,
  onProgress: (message: string) => void = () => undefined,
): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [MIGRATE_LOCK]);
    await client.query(LEDGER);
    const { rows } = await client.query<{ name: string; checksum: string; finished: boolean }>(
      `select migration_name as name, checksum, finished_at is not null as finished
       from _prisma_migrations where rolled_back_at is null`,
    );
    const broken = rows.find((row) => !row.finished);
    if (broken !== undefined) {
      throw new MigrationError(
        `migration ${broken.name} failed before and was not resolved; see its logs in _prisma_migrations, repair the database, then run: npx prisma migrate resolve --rolled-back ${broken.name}`,
      );
    }
    const applied = new Map(rows.map((row) => [row.name, row.checksum]));
    const done: string[] = [];
    for (const migration of listMigrations()) {
      const checksum = applied.get(migration.name);
      if (checksum === undefined) {
        onProgress(`migrating the database: ${migration.name}`);
        await applyMigration(client, migration);
        done.push(migration.name);
      } else if (checksum !== migration.checksum) {
        throw new MigrationError(
          `migration ${migration.name} was changed after this database applied it; restore the file, and put the change into a new migration`,
        );
      }
    }
    return done;
  } finally {
    await client.end();
  }
}

async function applyMigration(client: pg.Client, migration: Migration): Promise<void> {
  const id = randomUUID();
  await client.query(
    "insert into _prisma_migrations (id, checksum, migration_name) values ($1, $2, $3)",
    [id, migration.checksum, migration.name],
  );
  try {
    // One simple query: PostgreSQL runs the whole script in one transaction.
    await client.query(migration.sql);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await client.query(
      "update _prisma_migrations set logs = $2, rolled_back_at = now() where id = $1",
      [id, reason],
    );
    throw new MigrationError(`migration ${migration.name} failed: ${reason}`, { cause: error });
  }
  await client.query(
    "update _prisma_migrations set finished_at = now(), applied_steps_count = 1 where id = $1",
    [id],
  );
}

/** The migrations that the database lacks, by name; all of them for an empty database. */
export async function pendingMigrations(
  query: (sql: string) => Promise<{ name: string }[]>,
): Promise<string[]> {
  const applied = new Set(
    (
      await query(
        "select migration_name as name from _prisma_migrations where finished_at is not null and rolled_back_at is null",
      )
    ).map((row) => row.name),
  );
  return listMigrations()
    .map((migration) => migration.name)
    .filter((name) => !applied.has(name));
}
