import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { createApiKey } from "./create-api-key.js";
import { ensureRootOrg } from "./create-org.js";
import { secretDigest } from "./api-key.rules.js";
import { useApiKey } from "./api-key.store.js";

/**
 * A working admin key of the farm's root org, for the owner of the database: `keptSecret` when it still works, else the first key of a new farm,
 * else a new key beside the others. The org is made on the first start.
 */
export async function provideRootKey(config: Config, keptSecret: string | null): Promise<string> {
  const database = new Database(config);
  try {
    const root = await ensureRootOrg(database);
    if (root.apiKey !== null) return root.apiKey;
    const digest = keptSecret === null ? null : secretDigest(keptSecret);
    const kept = digest === null ? null : await useApiKey(database.prisma, digest);
    if (kept?.orgId === root.orgId && kept.scopes.includes("org:admin"))
      return keptSecret as string;
    return await database.inTransaction(async (tx) => {
      const created = await createApiKey(
        tx,
        root.orgId,
        { name: "command line", scopes: ["org:admin"] },
        "farm",
      );
      return created.secret;
    });
  } finally {
    await database.close();
  }
}
