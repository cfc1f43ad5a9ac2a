import { Problem, type CreatedApiKey, type Org } from "@benchfarm/contracts";
import { isUniqueViolation, type Database, type Tx } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { createApiKey } from "./create-api-key.js";
import {
  findOrg,
  findOrgBySlug,
  findRootOrg,
  insertOrg,
  lockBootstrap,
  toOrg,
} from "./org.store.js";

/** Creates an org with its first admin key, for the root org's `callerOrgId` only. Throws `missing_scope`, `conflict`. */
export async function createOrg(
  tx: Tx,
  callerOrgId: string,
  org: { slug: string; name: string },
  actor: string,
): Promise<{ org: Org; apiKey: CreatedApiKey }> {
  if ((await findOrg(tx, callerOrgId))?.root !== true) {
    throw new Problem("missing_scope", "only an org:admin key of the farm's root org creates orgs");
  }
  if ((await findOrgBySlug(tx, org.slug)) !== null) throw slugTaken(org.slug);
  try {
    const row = await insertOrg(tx, { ...org, root: false });
    await recordEvent(tx, {
      orgId: row.id,
      kind: "org.created",
      subjectKind: "org",
      subjectId: row.id,
      actor,
    });
    const apiKey = await createApiKey(
      tx,
      row.id,
      { name: "first key", scopes: ["org:admin"] },
      actor,
    );
    return { org: toOrg(row), apiKey };
  } catch (error) {
    if (isUniqueViolation(error)) throw slugTaken(org.slug);
    throw error;
  }
}

function slugTaken(slug: string): Problem {
  return new Problem("conflict", `the slug ${slug} is taken; choose another`);
}

export interface RootOrg {
  orgId: string;
  /** The admin key's secret, only from the call that made the org. */
  apiKey: string | null;
}

/** Makes the farm's root org `local` and its admin key on the first start, once however many processes ask. */
export async function ensureRootOrg(database: Pick<Database, "inTransaction">): Promise<RootOrg> {
  return database.inTransaction(async (tx) => {
    await lockBootstrap(tx);
    const existing = await findRootOrg(tx);
    if (existing !== null) return { orgId: existing.id, apiKey: null };
    const row = await insertOrg(tx, { slug: "local", name: "Local farm", root: true });
    await recordEvent(tx, {
      orgId: row.id,
      kind: "org.created",
      subjectKind: "org",
      subjectId: row.id,
      actor: "farm",
    });
    const { secret } = await createApiKey(
      tx,
      row.id,
      { name: "first key", scopes: ["org:admin"] },
      "farm",
    );
    return { orgId: row.id, apiKey: secret };
  });
}
