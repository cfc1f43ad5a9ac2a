import { Problem, routes, type Run } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { Handles, type Call } from "../platform/http/handles.js";
import { orgOf } from "../platform/http/principal.js";
import { CancelRun } from "./cancel-run.js";
import { CreateRuns } from "./create-runs.js";
import { readRun } from "./read-run.js";
import { findRun, listRuns } from "./run-read.store.js";
import { whyRun } from "./why-run.js";

/** Runs, for people and programs. */
@Controller()
export class RunController {
  readonly #database: Database;
  readonly #createRuns: CreateRuns;
  readonly #cancelRun: CancelRun;
  readonly #leaseMs: number;

  constructor(database: Database, createRuns: CreateRuns, cancelRun: CancelRun, config: Config) {
    this.#database = database;
    this.#createRuns = createRuns;
    this.#cancelRun = cancelRun;
    this.#leaseMs = config.timers.leaseMs;
  }

  @Handles(routes.createRun)
  async create(call: Call<typeof routes.createRun>): Promise<Run> {
    const orgId = orgOf(call);
    const { id, band, maxAttempts, ...target } = call.body;
    if (id !== undefined) {
      const existing = await findRun(this.#database.prisma, orgId, id);
      if (existing !== null) return sameRun(existing.run, target);
    }
    const [runId] = await this.#database.inTransaction((tx) =>
      this.#createRuns.create(tx, orgId, [{ ...target, id }], {
        sweepId: null,
        band,
        maxAttempts,
        actor: call.principal.actor,
      }),
    );
    return this.#read(orgId, runId as string);
  }

  @Handles(routes.listRuns)
  async list(call: Call<typeof routes.listRuns>) {
    return listRuns(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.readRun)
  async read(call: Call<typeof routes.readRun>) {
    const run = await readRun(this.#database.prisma, orgOf(call), call.params.id);
    if (run === null) throw unknownRun(call.params.id);
    return run;
  }

  @Handles(routes.readRunWhy)
  async why(call: Call<typeof routes.readRunWhy>) {
    const orgId = orgOf(call);
    const run = await this.#read(orgId, call.params.id);
    return whyRun(this.#database.prisma, orgId, run, this.#leaseMs);
  }

  @Handles(routes.cancelRun)
  async cancel(call: Call<typeof routes.cancelRun>): Promise<Run> {
    const orgId = orgOf(call);
    const { id } = call.params;
    await this.#database.inTransaction((tx) =>
      this.#cancelRun.cancel(tx, orgId, id, call.body.reason ?? null, call.principal.actor),
    );
    return this.#read(orgId, id);
  }

  async #read(orgId: string, id: string): Promise<Run> {
    const found = await findRun(this.#database.prisma, orgId, id);
    if (found === null) throw unknownRun(id);
    return found.run;
  }
}

function unknownRun(id: string): Problem {
  return new Problem("not_found", `there is no run ${id} in this org`);
}

/** Creating the same run again is a success; another one under its id is a conflict. */
function sameRun(run: Run, target: Record<string, unknown>): Run {
  const differs = Object.entries(target).find(([key, value]) => run[key as keyof Run] !== value);
  if (differs === undefined) return run;
  throw new Problem("conflict", `run ${run.id} exists with another ${differs[0]}; choose a new id`);
}
