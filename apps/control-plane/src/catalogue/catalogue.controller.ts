import { Problem, routes } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { Handles, orgOf, type Call } from "../platform/http/handles.js";
import { listEngines } from "./engine.store.js";
import { listModels } from "./model.store.js";
import { findQuants, listQuants } from "./quant.store.js";
import { RegisterStoredQuant } from "./register-quant.js";
import { findSku, listSkus } from "./sku.store.js";
import { ensureWorkload, listWorkloads } from "./workload.store.js";

@Controller()
export class CatalogueController {
  readonly #database: Database;
  readonly #register: RegisterStoredQuant;

  constructor(database: Database, register: RegisterStoredQuant) {
    this.#database = database;
    this.#register = register;
  }

  @Handles(routes.listSkus)
  async listSkus(call: Call<typeof routes.listSkus>) {
    return listSkus(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.readSku)
  async readSku(call: Call<typeof routes.readSku>) {
    const sku = await findSku(this.#database.prisma, orgOf(call), call.params.id);
    if (sku === null) throw new Problem("not_found", `this org has no sku ${call.params.id}`);
    return sku;
  }

  @Handles(routes.listModels)
  async listModels(call: Call<typeof routes.listModels>) {
    return listModels(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.listQuants)
  async listQuants(call: Call<typeof routes.listQuants>) {
    return listQuants(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.readQuant)
  async readQuant(call: Call<typeof routes.readQuant>) {
    const [quant] = await findQuants(this.#database.prisma, orgOf(call), [call.params.id]);
    if (quant === undefined) {
      throw new Problem("not_found", `this org has no quant ${call.params.id}`);
    }
    return quant;
  }

  @Handles(routes.registerQuant)
  async registerQuant(call: Call<typeof routes.registerQuant>) {
    const { quant, isNew } = await this.#register.run(orgOf(call), call.body, call.principal.actor);
    if (!isNew) call.response.status(200);
    return quant;
  }

  @Handles(routes.listEngines)
  async listEngines(call: Call<typeof routes.listEngines>) {
    return listEngines(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.listWorkloads)
  async listWorkloads(call: Call<typeof routes.listWorkloads>) {
    return listWorkloads(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.createWorkload)
  async createWorkload(call: Call<typeof routes.createWorkload>) {
    return this.#database.inTransaction((tx) => ensureWorkload(tx, orgOf(call), call.body));
  }
}
