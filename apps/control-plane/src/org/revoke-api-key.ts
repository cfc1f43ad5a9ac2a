import { Problem, type ApiKey } from "@benchfarm/contracts";
import type { Tx } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { countLiveAdminKeys, markRevoked } from "./api-key.store.js";

/** Revokes a key from the next request on; repeating it changes nothing. The org's last admin key cannot be revoked. */
export async function revokeApiKey(
  tx: Tx,
  orgId: string,
  id: string,
  actor: string,
): Promise<ApiKey> {
  await countLiveAdminKeys(tx, orgId);
  const revoked = await markRevoked(tx, orgId, id);
  if (revoked === null) throw new Problem("not_found", `this org has no API key ${id}`);
  if (revoked.scopes.includes("org:admin") && (await countLiveAdminKeys(tx, orgId)) === 0) {
    throw new Problem(
      "conflict",
      "this is the org's last org:admin key; create another one before you revoke it",
    );
  }
  await recordEvent(tx, {
    orgId,
    kind: "api_key.revoked",
    subjectKind: "api_key",
    subjectId: id,
    actor,
  });
  return revoked;
}
