import {
  DeviceAvailability,
  DeviceHealth,
  DeviceLifecycle,
  DeviceQuarantine,
} from "@benchfarm/contracts";
import { loadConfig } from "../platform/config.js";
import { Database, Prisma } from "../platform/database/database.js";
import { createFarmDatabase } from "../platform/testing/test-farm.js";
import { meetsSql } from "./device-match.store.js";
import { ineligibleCode, type DeviceStanding } from "./device.rules.js";
import { ineligibleSql } from "./device.store.js";
import { unmetBy, type DeviceDimensions, type Requirement } from "./requirement.rules.js";

let database: Database;
let drop: () => Promise<void>;

beforeAll(async () => {
  const own = await createFarmDatabase();
  drop = () => own.drop();
  database = new Database(loadConfig({ DATABASE_URL: own.url }));
});
afterAll(async () => {
  await database.close();
  await drop();
});

const product = <A, B>(as: readonly A[], bs: readonly B[]) =>
  as.flatMap((a) => bs.map((b) => [a, b] as const));

describe("the rule and its SQL twin", () => {
  it("agree on eligibility in every state", async () => {
    const axes = product(
      product(DeviceLifecycle.options, DeviceQuarantine.options),
      product(DeviceHealth.options, DeviceAvailability.options),
    );
    const agents = product(product([true, false], [true, false]), [0, 1]);
    const standings = product(axes, agents).map(
      ([
        [[lifecycle, quarantine], [health, availability]],
        [[agentRevoked, agentLive], protocolVersion],
      ]): DeviceStanding => ({
        lifecycle,
        quarantine,
        health,
        availability,
        agentRevoked,
        agentLive,
        protocolVersion,
      }),
    );
    const rows = await database.prisma.$queryRaw<{ code: string | null }[]>(Prisma.sql`
      with s as (select * from jsonb_to_recordset(${JSON.stringify(standings.map((s, at) => ({ ...s, at })))}::jsonb)
        as s (at int, lifecycle device_lifecycle, quarantine device_quarantine, health device_health,
          availability device_availability, "agentRevoked" boolean, "agentLive" boolean, "protocolVersion" int)),
      d as (select * from s),
      a as (select at, case when "agentRevoked" then now() end as revoked_at, "protocolVersion" as protocol_version,
        'ses' as session_id, case when "agentLive" then clock_timestamp() else now() - interval '1 day' end as last_seen_at from s)
      select ${ineligibleSql(60_000)} as code from d join a using (at) order by at`);
    expect(standings.length).toBe(4320);
    expect(rows.map((row) => row.code)).toEqual(standings.map(ineligibleCode));
    expect(rows.filter((row) => row.code === null)).toHaveLength(1);
  });

  it("agree on which devices meet which requirements", async () => {
    const engines = [
      [],
      [{ adapter: "a", version: "1", backends: ["cpu"] }],
      [
        { adapter: "a", version: "1", backends: ["cpu", "cuda"] },
        { adapter: "b", version: "2", backends: ["cpu"] },
      ],
      [
        { adapter: "a", version: "1", backends: ["cpu"] },
        { adapter: "a", version: "2", backends: ["cuda"] },
      ],
    ] as DeviceDimensions["engines"][];
    const devices = product(product(["o1", "o2"], ["s1", "s2"]), engines).map(
      ([[orgId, skuId], list], i): DeviceDimensions => ({
        id: `d${i}`,
        orgId,
        skuId,
        engines: list,
      }),
    );
    const requirements = product(
      product(["a", "b", "c"], [null, "1", "2"]),
      product(["cpu", "cuda"], [
        ["d1", null],
        ["d2", null],
        [null, "s1"],
      ] as const),
    ).map(([[engine, engineVersion], [backend, [deviceId, skuId]]]): Requirement => ({
      orgId: "o1",
      engine,
      engineVersion,
      backend,
      deviceId,
      skuId,
    }));
    const pairs = product(devices, requirements);
    const rows = await database.prisma.$queryRaw<{ meets: boolean }[]>(Prisma.sql`
      with d as (select * from jsonb_to_recordset(${JSON.stringify(devices.map((d, at) => ({ at, id: d.id, org_id: d.orgId, sku_id: d.skuId, engines: d.engines })))}::jsonb)
        as d (at int, id text, org_id text, sku_id text, engines jsonb)),
      q as (select r->>'orgId' as org_id, r as requirements, at
        from jsonb_array_elements(${JSON.stringify(requirements)}::jsonb) with ordinality as q (r, at))
      select ${meetsSql} as meets from d, q order by d.at, q.at`);
    const expected = pairs.map(([device, requirement]) => unmetBy(device, requirement) === null);
    expect(rows.map((row) => row.meets)).toEqual(expected);
    expect(expected.filter(Boolean).length).toBeGreaterThan(5);
  });
});
