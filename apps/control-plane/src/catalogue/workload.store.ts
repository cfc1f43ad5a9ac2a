import { createHash } from "node:crypto";
import {
  canonicalJson,
  newId,
  workloadKind,
  workloadName,
  WorkloadSpec,
  type Workload,
  type WorkloadKind,
} from "@benchfarm/contracts";
import { Prisma, type Tx } from "../platform/database/database.js";
import {
  NEWEST_FIRST,
  pageFrom,
  pageWhere,
  type Page,
  type PageRequest,
} from "../platform/page.js";

type WorkloadRow = Prisma.WorkloadGetPayload<object>;

function toWorkload(row: WorkloadRow): Workload {
  return {
    id: row.id,
    digest: row.digest,
    name: row.name,
    kind: row.kind as WorkloadKind,
    spec: WorkloadSpec.parse(row.spec),
    createdAt: row.createdAt.toISOString(),
  };
}

/** A workload's identity: SHA-256 over the canonical JSON of its spec with every default filled in. */
export function workloadDigest(spec: WorkloadSpec): string {
  return createHash("sha256")
    .update(canonicalJson(WorkloadSpec.parse(spec)))
    .digest("hex");
}

/** The workload with this content; made when the org has none. Safe beside itself. */
export async function ensureWorkload(
  tx: Tx,
  orgId: string,
  given: WorkloadSpec,
): Promise<Workload> {
  const spec = WorkloadSpec.parse(given);
  const digest = workloadDigest(spec);
  const where = { orgId_digest: { orgId, digest } };
  const existing = await tx.workload.findUnique({ where });
  if (existing !== null) return toWorkload(existing);
  await tx.$executeRaw(Prisma.sql`
    insert into workload (id, org_id, digest, name, kind, spec)
    values (${newId("workload")}, ${orgId}, ${digest}, ${workloadName(spec)}, ${workloadKind(spec)},
            ${JSON.stringify(spec)}::jsonb)
    on conflict (org_id, digest) do nothing`);
  return toWorkload(await tx.workload.findUniqueOrThrow({ where }));
}

/** The org's workloads with these ids, in no order; unknown ids are left out. */
export async function findWorkloads(tx: Tx, orgId: string, ids: string[]): Promise<Workload[]> {
  return (await tx.workload.findMany({ where: { orgId, id: { in: ids } } })).map(toWorkload);
}

export async function listWorkloads(
  tx: Tx,
  orgId: string,
  page: PageRequest,
): Promise<Page<Workload>> {
  const rows = await tx.workload.findMany({
    where: { orgId, ...pageWhere(page) },
    orderBy: NEWEST_FIRST,
    take: page.limit + 1,
  });
  return pageFrom(rows, page.limit, (row) => row.id, toWorkload);
}
