import { randomBytes } from "node:crypto";
import type { CreatedApiKey, Scope } from "@benchfarm/contracts";
import type { Tx } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { secretDigest, secretFrom } from "./api-key.rules.js";
import { insertApiKey } from "./api-key.store.js";

/** Makes a key and its secret, which is returned this once and never stored. */
export async function createApiKey(
  tx: Tx,
  orgId: string,
  key: { name: string; scopes: readonly Scope[] },
  actor: string,
): Promise<CreatedApiKey> {
  const secret = secretFrom(randomBytes(32));
  const scopes = [...new Set(key.scopes)];
  const apiKey = await insertApiKey(tx, {
    orgId,
    name: key.name,
    scopes,
    secretDigest: secretDigest(secret) as string,
  });
  await recordEvent(tx, {
    orgId,
    kind: "api_key.created",
    subjectKind: "api_key",
    subjectId: apiKey.id,
    actor,
    data: { name: key.name, scopes },
  });
  return { apiKey, secret };
}
