import { Injectable } from "@nestjs/common";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { ApiKeys, type VerifiedApiKey } from "../platform/http/api-keys.js";
import { secretDigest } from "./api-key.rules.js";
import { useApiKey } from "./api-key.store.js";
import { findOrgBySlug } from "./org.store.js";

/** API keys from the database, looked up for every request: a revoked key stops working at once. */
@Injectable()
export class StoredApiKeys extends ApiKeys {
  readonly #database: Database;
  readonly #anonymousOrgSlug: string | null;
  #anonymousOrgId: string | undefined;

  constructor(database: Database, config: Config) {
    super();
    this.#database = database;
    this.#anonymousOrgSlug = config.anonymousOrgSlug;
  }

  async verify(secret: string): Promise<VerifiedApiKey | null> {
    const digest = secretDigest(secret);
    return digest === null ? null : useApiKey(this.#database.prisma, digest);
  }

  async anonymousOrgId(): Promise<string | null> {
    if (this.#anonymousOrgSlug === null) return null;
    this.#anonymousOrgId ??= (await findOrgBySlug(this.#database.prisma, this.#anonymousOrgSlug))
      ?.id;
    return this.#anonymousOrgId ?? null;
  }
}
