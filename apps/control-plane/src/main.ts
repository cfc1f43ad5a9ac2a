// The control plane as a program of its own; all settings come from the environment. `main.js migrate` only migrates the database.
import { ensureRootOrg } from "./org/create-org.js";
import { ConfigError, loadConfig } from "./platform/config.js";
import { Database } from "./platform/database/database.js";
import { MigrationError, runMigrations } from "./platform/database/migrate.js";
import { PortTakenError, startControlPlane } from "./start-control-plane.js";

const STOP_MS = 10_000;

async function migrate(): Promise<void> {
  const config = loadConfig();
  const applied = await runMigrations(config.databaseUrl, (message) => console.log(message));
  console.log(applied.length === 0 ? "the database is up to date" : `applied ${applied.length}`);
  const database = new Database(config);
  try {
    const { apiKey } = await ensureRootOrg(database);
    if (apiKey !== null) {
      console.log(`the farm's first admin key, shown this once: ${apiKey}`);
    }
  } finally {
    await database.close();
  }
}

async function serve(): Promise<void> {
  const plane = await startControlPlane(loadConfig());
  const stop = () => {
    // Whatever still hangs then is cut off; everything that matters is in the database.
    setTimeout(() => process.exit(1), STOP_MS).unref();
    plane.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

try {
  const [command] = process.argv.slice(2);
  if (command === "migrate") await migrate();
  else if (command === undefined) await serve();
  else throw new ConfigError(`unknown command ${command}; give migrate, or nothing to serve`);
} catch (error) {
  const expected = [ConfigError, MigrationError, PortTakenError].some((k) => error instanceof k);
  console.error(expected ? (error as Error).message : error);
  process.exit(1);
}
