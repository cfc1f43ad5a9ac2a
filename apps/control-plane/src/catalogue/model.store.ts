import { newId, type Model, type WeightsOrigin } from "@benchfarm/contracts";
import { Prisma, type Tx } from "../platform/database/database.js";
import {
  NEWEST_FIRST,
  pageFrom,
  pageWhere,
  type Page,
  type PageRequest,
} from "../platform/page.js";

type ModelRow = Prisma.ModelGetPayload<object>;

export interface ModelFacts {
  family: string;
  name: string;
  revision: string;
  architecture: string;
  parameterCount: number;
  weights: WeightsOrigin;
}

function toModel(row: ModelRow): Model {
  return {
    id: row.id,
    family: row.family,
    name: row.name,
    revision: row.revision,
    architecture: row.architecture,
    parameterCount: row.parameterCount === null ? null : Number(row.parameterCount),
    weights: row.weights as WeightsOrigin,
    createdAt: row.createdAt.toISOString(),
  };
}

/** The org's model of this name, revision and origin of weights; made from these facts when there is none. */
export async function ensureModel(tx: Tx, orgId: string, model: ModelFacts): Promise<Model> {
  await tx.$executeRaw(Prisma.sql`
    insert into model (id, org_id, family, name, revision, architecture, parameter_count, weights)
    values (${newId("model")}, ${orgId}, ${model.family}, ${model.name}, ${model.revision},
            ${model.architecture}, ${BigInt(model.parameterCount)}, ${model.weights})
    on conflict (org_id, name, revision, weights) do nothing`);
  const { name, revision, weights } = model;
  return toModel(
    await tx.model.findUniqueOrThrow({
      where: { orgId_name_revision_weights: { orgId, name, revision, weights } },
    }),
  );
}

export async function listModels(tx: Tx, orgId: string, page: PageRequest): Promise<Page<Model>> {
  const rows = await tx.model.findMany({
    where: { orgId, ...pageWhere(page) },
    orderBy: NEWEST_FIRST,
    take: page.limit + 1,
  });
  return pageFrom(rows, page.limit, (row) => row.id, toModel);
}
