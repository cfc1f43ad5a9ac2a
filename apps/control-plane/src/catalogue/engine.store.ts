import { newId, type Engine, type EngineFacts } from "@benchfarm/contracts";
import { Prisma, type SqlTx, type Tx } from "../platform/database/database.js";
import {
  NEWEST_FIRST,
  pageFrom,
  pageWhere,
  type Page,
  type PageRequest,
} from "../platform/page.js";

type EngineRow = Prisma.EngineGetPayload<object>;

/** Ids that were read as committed rows. Engines are never deleted, so such an id stays right; every result asks for one. */
const knownIds = new Map<string, string>();
const MAX_KNOWN = 10_000;

function toEngine(row: EngineRow): Engine {
  return {
    id: row.id,
    adapter: row.adapter,
    name: row.name,
    version: row.version,
    build: row.build,
    program: row.program,
    createdAt: row.createdAt.toISOString(),
  };
}

/** The id of an engine at its version, build and program; made when the org has none such. Safe beside itself. */
export async function registerEngine(
  tx: SqlTx,
  orgId: string,
  engine: EngineFacts,
): Promise<string> {
  const { adapter, name, version, build, program } = engine;
  const key = JSON.stringify([orgId, adapter, version, build, program]);
  const known = knownIds.get(key);
  if (known !== undefined) return known;
  const existing = await readEngineId(tx, orgId, engine);
  if (existing !== null) {
    if (knownIds.size >= MAX_KNOWN) knownIds.clear();
    // Found, but perhaps made by this very transaction, which may still roll back.
    if (existing.committed) knownIds.set(key, existing.id);
    return existing.id;
  }
  await tx.$executeRaw(Prisma.sql`
    insert into engine (id, org_id, adapter, name, version, build, program)
    values (${newId("engine")}, ${orgId}, ${adapter}, ${name}, ${version}, ${build}, ${program})
    on conflict (org_id, adapter, version, build, program) do nothing`);
  const made = await readEngineId(tx, orgId, engine);
  if (made === null) throw new Error(`engine ${key} is neither there nor can it be made`);
  return made.id;
}

async function readEngineId(
  tx: SqlTx,
  orgId: string,
  { adapter, version, build, program }: EngineFacts,
): Promise<{ id: string; committed: boolean } | null> {
  const rows = await tx.$queryRaw<{ id: string; committed: boolean }[]>(Prisma.sql`
    select id, xmin::text <> pg_current_xact_id_if_assigned()::xid::text is not false as committed
    from engine where org_id = ${orgId} and adapter = ${adapter} and version = ${version} and build = ${build}
      and program = ${program}`);
  return rows[0] ?? null;
}

export async function listEngines(tx: Tx, orgId: string, page: PageRequest): Promise<Page<Engine>> {
  const rows = await tx.engine.findMany({
    where: { orgId, ...pageWhere(page) },
    orderBy: NEWEST_FIRST,
    take: page.limit + 1,
  });
  return pageFrom(rows, page.limit, (row) => row.id, toEngine);
}
