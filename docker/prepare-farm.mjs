// Runs once before the control plane of docker-compose.yml: migrates the database, and keeps an administrator's key in
// the data folder, where the command line finds it (`docker compose exec api benchfarm matrix`).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { loadConfig, provideRootKey, runMigrations } from "@benchfarm/control-plane";

const FARM_URL = "http://api:8787";

const config = loadConfig();
await runMigrations(config.databaseUrl);

const file = join(config.dataDir, "credentials.json");
let keptKey = null;
try {
  keptKey = JSON.parse(readFileSync(file, "utf8")).apiKey;
} catch {
  // The first start.
}
const apiKey = await provideRootKey(config, keptKey);
mkdirSync(config.dataDir, { recursive: true });
writeFileSync(file, `${JSON.stringify({ url: FARM_URL, apiKey }, null, 2)}\n`, { mode: 0o600 });
console.log("the database is migrated and the farm has a key");
