import { Problem, routes } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { Handles, orgOf, type Call } from "../platform/http/handles.js";
import { listApiKeys } from "./api-key.store.js";
import { createApiKey } from "./create-api-key.js";
import { createOrg } from "./create-org.js";
import { findOrg, toOrg } from "./org.store.js";
import { revokeApiKey } from "./revoke-api-key.js";

@Controller()
export class OrgController {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  @Handles(routes.createOrg)
  async createOrg(call: Call<typeof routes.createOrg>) {
    return this.#database.inTransaction((tx) =>
      createOrg(tx, orgOf(call), call.body, call.principal.actor),
    );
  }

  @Handles(routes.readOwnOrg)
  async readOwnOrg(call: Call<typeof routes.readOwnOrg>) {
    const row = await findOrg(this.#database.prisma, orgOf(call));
    if (row === null) throw new Problem("not_found", "this org is gone");
    return toOrg(row);
  }

  @Handles(routes.listApiKeys)
  async listApiKeys(call: Call<typeof routes.listApiKeys>) {
    return listApiKeys(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.createApiKey)
  async createApiKey(call: Call<typeof routes.createApiKey>) {
    return this.#database.inTransaction((tx) =>
      createApiKey(tx, orgOf(call), call.body, call.principal.actor),
    );
  }

  @Handles(routes.revokeApiKey)
  async revokeApiKey(call: Call<typeof routes.revokeApiKey>) {
    return this.#database.inTransaction((tx) =>
      revokeApiKey(tx, orgOf(call), call.params.id, call.principal.actor),
    );
  }
}
