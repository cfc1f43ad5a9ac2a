import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@benchfarm/contracts";
import { createTestDatabase, ensureTemplateDatabase } from "@benchfarm/embedded-postgres";
import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import { ensureRootOrg } from "../../org/create-org.js";
import { startControlPlane } from "../../start-control-plane.js";
import { loadConfig, type Role } from "../config.js";
import { Database } from "../database/database.js";
import { migrationsDigest, runMigrations } from "../database/migrate.js";

export interface TestFarmOptions {
  /** `all` by default. */
  role?: Role;
  /** Further settings, such as `BENCHFARM_LEASE_MS: "300"`. */
  env?: Record<string, string>;
  /** Share another farm's database: a second replica of it. */
  replicaOf?: TestFarm;
}

/** A whole control plane on a database of its own. */
export interface TestFarm {
  app: NestFastifyApplication;
  url: string;
  databaseUrl: string;
  database: Database;
  /** Secret of an org:admin key of the root org. */
  apiKey: string;
  orgId: string;
  /** Calls with `apiKey`. */
  client: Client;
  /** A client with another key, or none. */
  clientWith(apiKey: string | null): Client;
  dataDir: string;
  stop(): Promise<void>;
}

/** A fresh database with the farm's schema, copied from a template that is migrated once per server. */
export async function createFarmDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = process.env["BENCHFARM_TEST_DATABASE_URL"];
  if (server === undefined) {
    throw new Error("BENCHFARM_TEST_DATABASE_URL is not set; run the tests with npx jest");
  }
  const template = await ensureTemplateDatabase(
    server,
    `farm_${migrationsDigest().slice(0, 16)}`,
    async (url) => void (await runMigrations(url)),
  );
  return createTestDatabase(server, { template });
}

/** Boots the real program on a random port. Call `stop` in `afterAll`. */
export async function startTestFarm(options: TestFarmOptions = {}): Promise<TestFarm> {
  const { replicaOf } = options;
  const own = replicaOf === undefined ? await createFarmDatabase() : null;
  const databaseUrl = replicaOf?.databaseUrl ?? (own as { url: string }).url;
  const dataDir = replicaOf?.dataDir ?? (await mkdtemp(join(tmpdir(), "benchfarm-test-")));
  const config = loadConfig({
    DATABASE_URL: databaseUrl,
    BENCHFARM_PORT: "0",
    BENCHFARM_DATA_DIR: dataDir,
    BENCHFARM_LOG_LEVEL: process.env["BENCHFARM_LOG_LEVEL"] ?? "error",
    BENCHFARM_DATABASE_CONNECTIONS: "8",
    BENCHFARM_RELAY_MS: "20",
    BENCHFARM_QUEUE_PREFIX: `test-${new URL(databaseUrl).pathname.slice(1).slice(0, 50)}`,
    ...(options.role === undefined ? {} : { BENCHFARM_ROLE: options.role }),
    ...options.env,
  });
  const plane = await startControlPlane(config);
  const database = plane.app.get(Database);
  const root = await ensureRootOrg(database);
  const apiKey = replicaOf?.apiKey ?? (root.apiKey as string);
  const clientWith = (key: string | null) =>
    createClient({ baseUrl: plane.url, ...(key === null ? {} : { apiKey: key }) });
  return {
    app: plane.app,
    url: plane.url,
    databaseUrl,
    database,
    apiKey,
    orgId: root.orgId,
    client: clientWith(apiKey),
    clientWith,
    dataDir,
    async stop() {
      await plane.close();
      if (own === null) return;
      await own.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
