import { resolve } from "node:path";
import { ConfigError, loadConfig } from "./config.js";

const DATABASE_URL = "postgresql://app@localhost/farm";

describe("settings", () => {
  it("need only a database; everything else has a default", () => {
    const config = loadConfig({ DATABASE_URL, REDIS_URL: "", BENCHFARM_DATA_DIR: "/data" });
    expect(config).toMatchObject({
      databaseUrl: DATABASE_URL,
      redisUrl: null,
      host: "127.0.0.1",
      port: 8787,
      role: "all",
      artifactDir: resolve("/data/artifacts"),
      dashboardDir: null,
      anonymousOrgSlug: null,
      timers: { leaseMs: 60_000, heartbeatMs: 15_000, pollWaitMs: 25_000, offerMs: 30_000 },
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.timers)).toBe(true);
  });

  it.each([
    [{}, /DATABASE_URL: is not set/],
    [{ DATABASE_URL: "mysql://x" }, /DATABASE_URL: must start with postgresql/],
    [{ DATABASE_URL, BENCHFARM_PORT: "70000" }, /BENCHFARM_PORT/],
    [{ DATABASE_URL, BENCHFARM_ROLE: "both" }, /BENCHFARM_ROLE/],
    [{ DATABASE_URL, REDIS_URL: "localhost:6379" }, /REDIS_URL: must start with redis/],
    [{ DATABASE_URL, BENCHFARM_LEASE_MS: "1000" }, /BENCHFARM_LEASE_MS must be at least twice/],
    [{ BENCHFARM_PORT: "x", BENCHFARM_OFFER_MS: "0" }, /DATABASE_URL(.|\n)*PORT(.|\n)*OFFER_MS/],
  ])("%j is refused by name", (environment, message) => {
    expect(() => loadConfig(environment)).toThrow(ConfigError);
    expect(() => loadConfig(environment)).toThrow(message);
  });
});
