import { newId, type MachineFacts, type Sku } from "@benchfarm/contracts";
import { z } from "zod";
import { Prisma, type Tx } from "../platform/database/database.js";
import {
  NEWEST_FIRST,
  pageFrom,
  pageWhere,
  type Page,
  type PageRequest,
} from "../platform/page.js";
import { skuFacts, skuKey, skuName } from "./sku.rules.js";

type SkuRow = Prisma.SkuGetPayload<object>;

const Ensured = z.object({ id: z.string(), name: z.string() });

function toSku(row: SkuRow): Sku {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    formFactor: row.formFactor,
    manufacturer: row.manufacturer,
    product: row.product,
    cpuModel: row.cpuModel,
    physicalCores: row.physicalCores,
    logicalCores: row.logicalCores,
    memoryBytes: row.memoryBytes === null ? null : Number(row.memoryBytes),
    architecture: row.architecture,
    virtualisation: row.virtualisation,
    gpus: row.gpus as Sku["gpus"],
    createdAt: row.createdAt.toISOString(),
  };
}

/** The Sku of a machine; made when the org has none with these facts. Safe beside itself. */
export async function ensureSku(
  tx: Tx,
  orgId: string,
  machine: MachineFacts,
): Promise<{ id: string; name: string }> {
  const facts = skuFacts(machine);
  const key = skuKey(facts);
  const existing = await tx.sku.findUnique({
    where: { orgId_key: { orgId, key } },
    select: { id: true, name: true },
  });
  if (existing !== null) return existing;
  await tx.$executeRaw(Prisma.sql`
    insert into sku (id, org_id, key, name, form_factor, manufacturer, product, cpu_model, physical_cores,
                     logical_cores, memory_bytes, architecture, virtualisation, gpus)
    values (${newId("sku")}, ${orgId}, ${key}, ${skuName(facts)}, ${facts.formFactor}, ${facts.manufacturer},
            ${facts.product}, ${facts.cpuModel}, ${facts.physicalCores}, ${facts.logicalCores},
            ${facts.memoryBytes === null ? null : BigInt(facts.memoryBytes)}, ${facts.architecture},
            ${facts.virtualisation}, ${JSON.stringify(facts.gpus)}::jsonb)
    on conflict (org_id, key) do nothing`);
  const [row] = await tx.$queryRaw<unknown[]>(
    Prisma.sql`select id, name from sku where org_id = ${orgId} and key = ${key}`,
  );
  return Ensured.parse(row);
}

export async function findSku(tx: Tx, orgId: string, id: string): Promise<Sku | null> {
  const row = await tx.sku.findFirst({ where: { orgId, id } });
  return row === null ? null : toSku(row);
}

export async function listSkus(tx: Tx, orgId: string, page: PageRequest): Promise<Page<Sku>> {
  const rows = await tx.sku.findMany({
    where: { orgId, ...pageWhere(page) },
    orderBy: NEWEST_FIRST,
    take: page.limit + 1,
  });
  return pageFrom(rows, page.limit, (row) => row.id, toSku);
}
