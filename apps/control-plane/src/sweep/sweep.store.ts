import {
  BAND_RANK,
  CreateSweep,
  type Backend,
  type Band,
  type Sweep,
  type SweepQuery,
} from "@benchfarm/contracts";
import type { z } from "zod";
import { Prisma, type Tx } from "../platform/database/database.js";
import { NEWEST_FIRST, pageFrom, pageWhere, type Page } from "../platform/page.js";
import { countRunsBySweep } from "../run/run.store.js";
import { progressOf, type Selection } from "./sweep.rules.js";

type SweepRow = Prisma.SweepGetPayload<object>;

/** What the selectors of a sweep find, by ids and names only. Also tells the named ids that the org does not have. */
export async function selectForSweep(
  tx: Tx,
  orgId: string,
  { devices, quants }: Pick<CreateSweep, "devices" | "quants">,
): Promise<Selection & { unknown: { path: string; id: string }[] }> {
  const found = await tx.device.findMany({
    where: {
      orgId,
      ...(devices.deviceIds === undefined
        ? { lifecycle: "active" as const }
        : { id: { in: devices.deviceIds } }),
      ...(devices.skuIds === undefined ? {} : { skuId: { in: devices.skuIds } }),
      ...(devices.tags === undefined ? {} : { tags: { hasEvery: devices.tags } }),
    },
    select: { id: true, name: true, lifecycle: true, engines: true },
    orderBy: { id: "asc" },
  });
  const chosen = await tx.quant.findMany({
    where: {
      orgId,
      ...(quants.quantIds === undefined ? {} : { id: { in: quants.quantIds } }),
      ...(quants.modelIds === undefined ? {} : { modelId: { in: quants.modelIds } }),
      ...(quants.families === undefined ? {} : { model: { family: { in: quants.families } } }),
      ...(quants.names === undefined ? {} : { name: { in: quants.names } }),
    },
    select: { id: true },
    orderBy: { id: "asc" },
  });
  return {
    devices: found
      .filter((device) => device.lifecycle === "active")
      .map(({ id, name, engines }) => ({
        id,
        name,
        engines: engines as { adapter: string; backends: Backend[] }[],
      })),
    inactiveDevices: found
      .filter((device) => device.lifecycle !== "active")
      .map(({ name, lifecycle }) => ({ name, lifecycle })),
    quantIds: chosen.map((quant) => quant.id),
    unknown: await unknownIds(tx, orgId, { devices, quants }),
  };
}

async function unknownIds(
  tx: Tx,
  orgId: string,
  { devices, quants }: Pick<CreateSweep, "devices" | "quants">,
): Promise<{ path: string; id: string }[]> {
  const missing: { path: string; id: string }[] = [];
  const check = async (path: string, table: string, ids: string[] | undefined) => {
    if (ids === undefined || ids.length === 0) return;
    const rows = await tx.$queryRaw<{ id: string }[]>(Prisma.sql`
      select id from unnest(${ids}::text[]) as id
      where not exists (select 1 from ${Prisma.raw(table)} t where t.id = id.id and t.org_id = ${orgId}) limit 20`);
    missing.push(...rows.map(({ id }) => ({ path, id })));
  };
  await check("devices.deviceIds", "device", devices.deviceIds);
  await check("devices.skuIds", "sku", devices.skuIds);
  await check("quants.quantIds", "quant", quants.quantIds);
  await check("quants.modelIds", "model", quants.modelIds);
  return missing;
}

/** Stores a sweep unless its id is taken; false when it is. A sweep of the same id that is being made is waited for. */
export async function insertSweep(
  tx: Tx,
  sweep: { id: string; orgId: string; spec: CreateSweep; digest: string; runCount: number },
): Promise<boolean> {
  const { id, orgId, spec, digest, runCount } = sweep;
  const inserted = await tx.$executeRaw(Prisma.sql`
    insert into sweep (id, org_id, name, state, band, spec, digest, run_count)
    values (${id}, ${orgId}, ${spec.name}, 'active', ${BAND_RANK[spec.band]}::int, ${JSON.stringify(spec)}::jsonb, ${digest},
            ${runCount}::int)
    on conflict (id) do nothing`);
  return inserted === 1;
}

/** What is stored under a sweep's id, whoever's it is; null when nothing is. */
export async function findSweepIdentity(
  tx: Tx,
  id: string,
): Promise<{ orgId: string; digest: string; runCount: number } | null> {
  return tx.sweep.findUnique({
    where: { id },
    select: { orgId: true, digest: true, runCount: true },
  });
}

/** Locks a sweep and tells its state; null when the org has no such sweep. */
export async function lockSweep(
  tx: Tx,
  orgId: string,
  id: string,
): Promise<"active" | "canceling" | "done" | null> {
  const rows = await tx.$queryRaw<{ state: "active" | "canceling" | "done" }[]>(Prisma.sql`
    select state::text as state from sweep where id = ${id} and org_id = ${orgId} for update`);
  return rows[0]?.state ?? null;
}

export async function markSweepCanceling(tx: Tx, id: string): Promise<void> {
  await tx.$executeRaw(Prisma.sql`update sweep set state = 'canceling' where id = ${id}`);
}

/** Ends a sweep that is open and has no open run, with its event, in one statement; tells whether it did. */
export async function endSweepWhenSettled(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.$queryRaw<{ ended: number }[]>(Prisma.sql`
    with ended as (
      update sweep s set state = 'done', ended_at = clock_timestamp()
      where s.id = ${id} and s.state <> 'done'
        and not exists (select 1 from run r where r.sweep_id = s.id and r.state <> 'done')
      returning s.id, s.org_id),
    written as (
      insert into event (id, org_id, kind, subject_kind, subject_id, actor)
      select 'evt_' || replace(gen_random_uuid()::text, '-', ''), org_id, 'sweep.done', 'sweep', id, 'farm' from ended
      returning 1)
    select count(*)::int as ended from written`);
  return (rows[0]?.ended ?? 0) > 0;
}

/** Open sweeps whose runs have all ended: their hint was lost, or is on its way. */
export async function findSettledSweeps(tx: Tx, limit: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>(Prisma.sql`
    select s.id from sweep s
    where s.state <> 'done' and not exists (select 1 from run r where r.sweep_id = s.id and r.state <> 'done') limit ${limit}`);
  return rows.map((row) => row.id);
}

/**
 * How long sweeps still take, in milliseconds, from their own finished runs: what those took over what they were estimated to take,
 * per quant where one of it has finished, is the measure for the estimates of those that are open. Devices work beside each other,
 * so the busiest one decides. Sweeps without a finished run are absent.
 */
export async function readRemainingMs(
  tx: Tx,
  sweepIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await tx.$queryRaw<{ sweepId: string; remainingMs: number }[]>(Prisma.sql`
    with finished as (
      select sweep_id, quant_id, extract(epoch from ended_at - started_at) * 1000 as took_ms, estimated_ms
      from run where sweep_id = any(${[...sweepIds]}::text[]) and state = 'done' and started_at is not null
        and outcome in ('succeeded', 'failed', 'invalid', 'timed_out')
    ),
    pace as (
      select sweep_id, sum(took_ms) / nullif(sum(estimated_ms), 0) as ratio from finished group by sweep_id
    ),
    quant_pace as (
      select sweep_id, quant_id, sum(took_ms) / nullif(sum(estimated_ms), 0) as ratio from finished group by sweep_id, quant_id
    ),
    device_left as (
      select r.sweep_id, sum(greatest(
          r.estimated_ms * coalesce(q.ratio, p.ratio)
            - case when r.state = 'queued' or r.started_at is null then 0
                   else extract(epoch from clock_timestamp() - r.started_at) * 1000 end, 0)) as left_ms
      from run r join pace p on p.sweep_id = r.sweep_id
      left join quant_pace q on q.sweep_id = r.sweep_id and q.quant_id = r.quant_id
      where r.sweep_id = any(${[...sweepIds]}::text[]) and r.state <> 'done'
      group by r.sweep_id, coalesce(r.device_id, r.sku_id)
    )
    select sweep_id as "sweepId", max(left_ms)::float8 as "remainingMs" from device_left group by sweep_id`);
  return new Map(
    rows
      .filter((row) => row.remainingMs !== null)
      .map((row) => [row.sweepId, Math.round(row.remainingMs)]),
  );
}

const BANDS = Object.keys(BAND_RANK) as Band[];

async function toSweeps(tx: Tx, rows: readonly SweepRow[]): Promise<Map<string, Sweep>> {
  const ids = rows.map((row) => row.id);
  const counts = ids.length === 0 ? [] : await countRunsBySweep(tx, ids);
  const open = rows.filter((row) => row.state !== "done").map((row) => row.id);
  const remaining = open.length === 0 ? new Map<string, number>() : await readRemainingMs(tx, open);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        name: row.name,
        state: row.state,
        band: BANDS.find((band) => BAND_RANK[band] === row.band) as Band,
        spec: CreateSweep.parse(row.spec),
        progress: progressOf(
          counts.filter((count) => count.sweepId === row.id),
          remaining.get(row.id) ?? null,
        ),
        createdAt: row.createdAt.toISOString(),
        endedAt: row.endedAt?.toISOString() ?? null,
      },
    ]),
  );
}

/** One sweep with its progress, or null. */
export async function readSweep(tx: Tx, orgId: string, id: string): Promise<Sweep | null> {
  const row = await tx.sweep.findFirst({ where: { id, orgId } });
  if (row === null) return null;
  return (await toSweeps(tx, [row])).get(id) ?? null;
}

/** An org's sweeps with their progress, newest first. */
export async function listSweeps(
  tx: Tx,
  orgId: string,
  query: z.output<typeof SweepQuery>,
): Promise<Page<Sweep>> {
  const rows = await tx.sweep.findMany({
    where: {
      orgId,
      ...pageWhere(query),
      ...(query.state === undefined ? {} : { state: query.state }),
    },
    orderBy: NEWEST_FIRST,
    take: query.limit + 1,
  });
  const sweeps = await toSweeps(tx, rows);
  return pageFrom(
    rows,
    query.limit,
    (row) => row.id,
    (row) => sweeps.get(row.id) as Sweep,
  );
}
