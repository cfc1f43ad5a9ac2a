import type { Artifact } from "@benchfarm/contracts";
import { Prisma, type Tx } from "../platform/database/database.js";

/** An org's own right to a stored file: the same bytes may belong to several orgs, and one does not see another's. */
export async function findArtifact(
  tx: Tx,
  orgId: string,
  sha256: string,
): Promise<Artifact | null> {
  const row = await tx.artifact.findUnique({ where: { orgId_sha256: { orgId, sha256 } } });
  return row === null
    ? null
    : { sha256, sizeBytes: Number(row.sizeBytes), createdAt: row.createdAt.toISOString() };
}

/** Notes that an org holds a stored file; the first time stays. */
export async function recordArtifact(
  tx: Tx,
  orgId: string,
  sha256: string,
  sizeBytes: number,
): Promise<Artifact> {
  await tx.$executeRaw(Prisma.sql`
    insert into artifact (org_id, sha256, size_bytes) values (${orgId}, ${sha256}, ${BigInt(sizeBytes)})
    on conflict (org_id, sha256) do nothing`);
  return (await findArtifact(tx, orgId, sha256)) as Artifact;
}
