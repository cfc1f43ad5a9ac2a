// One PostgreSQL, and a Redis where one can be had, for a whole Jest run. Test files make databases of their own on it.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { endAbandonedRedis, startTestRedis } from "./test-redis.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const RUNS_DIR = join(
  realpathSync(tmpdir()),
  `benchfarm-jest-${createHash("sha256").update(ROOT).digest("hex").slice(0, 12)}`,
);

async function loadEmbeddedPostgres() {
  try {
    return await import("@benchfarm/embedded-postgres");
  } catch (cause) {
    throw new Error(
      'the packages are not built: run "npm run build" first, or the tests with "npm test"',
      { cause },
    );
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Each run has a folder named after its process; one whose process is gone was killed and left its servers. */
async function cleanUpKilledRuns(stopAbandonedServer) {
  for (const name of readdirSync(RUNS_DIR)) {
    if (isAlive(Number(name)) && Number(name) !== process.pid) continue;
    const folder = join(RUNS_DIR, name);
    endAbandonedRedis(join(folder, "redis"));
    // Another run may be cleaning up the same folder.
    await stopAbandonedServer(join(folder, "postgres")).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Sets BENCHFARM_TEST_DATABASE_URL (a server; its user may create databases) and, where possible,
 * BENCHFARM_TEST_REDIS_URL, unless they are set already.
 */
export default async function setUp() {
  const { startEmbeddedPostgres, stopAbandonedServer } = await loadEmbeddedPostgres();
  mkdirSync(RUNS_DIR, { recursive: true, mode: 0o711 });
  await cleanUpKilledRuns(stopAbandonedServer);
  const folder = join(RUNS_DIR, String(process.pid));
  mkdirSync(folder, { mode: 0o711 });
  const stops = [() => rmSync(folder, { recursive: true, force: true })];

  if (!process.env.BENCHFARM_TEST_DATABASE_URL) {
    const server = await startEmbeddedPostgres({
      dataDir: join(folder, "postgres"),
      durability: "disposable",
    });
    stops.unshift(() => server.stop());
    process.env.BENCHFARM_TEST_DATABASE_URL = server.url;
  }
  if (!process.env.BENCHFARM_TEST_REDIS_URL) {
    const redis = await startTestRedis(join(folder, "redis"));
    if (redis) {
      stops.unshift(() => redis.stop());
      process.env.BENCHFARM_TEST_REDIS_URL = redis.url;
    } else {
      process.stderr.write(
        "no redis-server found (PATH, or Debian packages): tests that need one are skipped; BENCHFARM_TEST_REDIS_URL names another\n",
      );
    }
  }
  globalThis.benchfarmStopTestServices = async () => {
    for (const stop of stops) await stop();
  };
}
