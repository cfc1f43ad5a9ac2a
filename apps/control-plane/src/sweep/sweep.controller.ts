import { Problem, routes, type Sweep } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { Handles, orgOf, type Call } from "../platform/http/handles.js";
import { CancelSweep } from "./cancel-sweep.js";
import { MakeSweep } from "./create-sweep.js";
import { listSweeps, readSweep } from "./sweep.store.js";

/** Sweeps, for people and programs. */
@Controller()
export class SweepController {
  readonly #database: Database;
  readonly #makeSweep: MakeSweep;
  readonly #cancelSweep: CancelSweep;

  constructor(database: Database, makeSweep: MakeSweep, cancelSweep: CancelSweep) {
    this.#database = database;
    this.#makeSweep = makeSweep;
    this.#cancelSweep = cancelSweep;
  }

  @Handles(routes.createSweep)
  async create(call: Call<typeof routes.createSweep>) {
    return this.#makeSweep.make(orgOf(call), call.principal.actor, call.body);
  }

  @Handles(routes.listSweeps)
  async list(call: Call<typeof routes.listSweeps>) {
    return listSweeps(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.readSweep)
  async read(call: Call<typeof routes.readSweep>) {
    return this.#read(orgOf(call), call.params.id);
  }

  @Handles(routes.cancelSweep)
  async cancel(call: Call<typeof routes.cancelSweep>) {
    const { id } = call.params;
    const reason = call.body.reason ?? null;
    await this.#cancelSweep.cancel(orgOf(call), id, reason, call.principal.actor);
    return this.#read(orgOf(call), id);
  }

  async #read(orgId: string, id: string): Promise<Sweep> {
    const sweep = await readSweep(this.#database.prisma, orgId, id);
    if (sweep === null) throw new Problem("not_found", `there is no sweep ${id} in this org`);
    return sweep;
  }
}
