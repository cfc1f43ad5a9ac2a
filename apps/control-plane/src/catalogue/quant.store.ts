import { newId, type Quant, type QuantSource, type WeightsOrigin } from "@benchfarm/contracts";
import type { z } from "zod";
import type { QuantQuery } from "@benchfarm/contracts";
import { Prisma, type Tx } from "../platform/database/database.js";
import { NEWEST_FIRST, pageFrom, pageWhere, type Page } from "../platform/page.js";

const WITH_MODEL = { include: { model: { select: { name: true } } } } as const;

type QuantRow = Prisma.QuantGetPayload<typeof WITH_MODEL>;

/** A quant as the file's header tells it. */
export interface NewQuant {
  modelId: string;
  name: string;
  sha256: string;
  sizeBytes: number;
  parameterCount: number;
  bitsPerWeight: number;
  decodeBytesPerToken: number | null;
  kvBytesPerToken: number | null;
  contextLength: number | null;
  weights: WeightsOrigin;
  source: QuantSource;
  header: Prisma.InputJsonObject;
}

const toNumber = (value: bigint | null) => (value === null ? null : Number(value));
const toBigInt = (value: number | null) => (value === null ? null : BigInt(value));

function toQuant(row: QuantRow): Quant {
  return {
    id: row.id,
    modelId: row.modelId,
    modelName: row.model.name,
    name: row.name,
    sha256: row.sha256,
    sizeBytes: Number(row.sizeBytes),
    format: "gguf",
    parameterCount: Number(row.parameterCount),
    bitsPerWeight: row.bitsPerWeight,
    decodeBytesPerToken: toNumber(row.decodeBytesPerToken),
    kvBytesPerToken: toNumber(row.kvBytesPerToken),
    contextLength: toNumber(row.contextLength),
    weights: row.weights as WeightsOrigin,
    source: row.source as QuantSource,
    createdAt: row.createdAt.toISOString(),
  };
}

/** Stores a quant unless the org has one of this file; returns the stored one, and whether it is new. */
export async function insertQuant(
  tx: Tx,
  orgId: string,
  quant: NewQuant,
): Promise<{ quant: Quant; isNew: boolean }> {
  const inserted = await tx.$executeRaw(Prisma.sql`
    insert into quant (id, org_id, model_id, name, sha256, size_bytes, parameter_count, bits_per_weight,
                       decode_bytes_per_token, kv_bytes_per_token, context_length, weights, source, header)
    values (${newId("quant")}, ${orgId}, ${quant.modelId}, ${quant.name}, ${quant.sha256},
            ${BigInt(quant.sizeBytes)}, ${BigInt(quant.parameterCount)}, ${quant.bitsPerWeight},
            ${toBigInt(quant.decodeBytesPerToken)}, ${toBigInt(quant.kvBytesPerToken)},
            ${toBigInt(quant.contextLength)}, ${quant.weights}, ${JSON.stringify(quant.source)}::jsonb,
            ${JSON.stringify(quant.header)}::jsonb)
    on conflict (org_id, sha256) do nothing`);
  const stored = await findQuantBySha256(tx, orgId, quant.sha256);
  return { quant: stored as Quant, isNew: inserted === 1 };
}

export async function findQuantBySha256(
  tx: Tx,
  orgId: string,
  sha256: string,
): Promise<Quant | null> {
  const row = await tx.quant.findUnique({
    where: { orgId_sha256: { orgId, sha256 } },
    ...WITH_MODEL,
  });
  return row === null ? null : toQuant(row);
}

/** The org's quants with these ids, in no order; unknown ids are left out. */
export async function findQuants(tx: Tx, orgId: string, ids: string[]): Promise<Quant[]> {
  const rows = await tx.quant.findMany({ where: { orgId, id: { in: ids } }, ...WITH_MODEL });
  return rows.map(toQuant);
}

/** Quants by model name or id, quant name and origin of weights. */
export async function listQuants(
  tx: Tx,
  orgId: string,
  query: z.output<typeof QuantQuery>,
): Promise<Page<Quant>> {
  const { model, name, weights } = query;
  const rows = await tx.quant.findMany({
    where: {
      orgId,
      ...pageWhere(query),
      ...(model === undefined ? {} : { OR: [{ modelId: model }, { model: { name: model } }] }),
      ...(name === undefined ? {} : { name }),
      ...(weights === undefined ? {} : { weights }),
    },
    orderBy: NEWEST_FIRST,
    take: query.limit + 1,
    ...WITH_MODEL,
  });
  return pageFrom(rows, query.limit, (row) => row.id, toQuant);
}
