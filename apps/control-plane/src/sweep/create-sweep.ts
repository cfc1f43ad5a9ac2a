import { newId, Problem, type CreatedSweep, type CreateSweep } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { ensureWorkload } from "../catalogue/catalogue.store.js";
import { Database, type Tx } from "../platform/database/database.js";
import { recordEvent } from "../platform/events.store.js";
import { CreateRuns } from "../run/create-runs.js";
import {
  distinctWorkloads,
  expandTargets,
  inBatches,
  MOST_RUNS,
  planSweep,
  sweepDigest,
  type SweepPlan,
} from "./sweep.rules.js";
import { findSweepIdentity, insertSweep, readSweep, selectForSweep } from "./sweep.store.js";

const MAX_ATTEMPTS = 3;
const RUN_BATCH = 5_000;
const TRANSACTION_MS = 300_000;

/** Makes sweeps. */
@Injectable()
export class MakeSweep {
  readonly #database: Database;
  readonly #createRuns: CreateRuns;

  constructor(database: Database, createRuns: CreateRuns) {
    this.#database = database;
    this.#createRuns = createRuns;
  }

  /**
   * Creates a sweep with all its runs in one transaction, or tells what it would be for a dry run. The client's own id with the same
   * content is a success that changes nothing; with other content it throws `conflict`. Throws `invalid_request` for ids that the
   * org does not have, for a sweep in which nothing can run, and for one that is too large.
   */
  async make(orgId: string, actor: string, spec: CreateSweep): Promise<CreatedSweep> {
    const digest = sweepDigest(spec);
    if (spec.id !== undefined && !spec.dryRun) {
      const earlier = await this.#findSame(orgId, spec.id, digest);
      if (earlier !== null) return earlier;
    }
    const selection = await selectForSweep(this.#database.prisma, orgId, spec);
    if (selection.unknown.length > 0) throw unknownIds(selection.unknown);
    const plan = planSweep(spec, selection);
    if (spec.dryRun) return { sweep: null, runCount: plan.runCount, unserved: plan.unserved };
    refuseUnrunnable(plan);
    const id = spec.id ?? newId("sweep");
    const made = await this.#database.inTransaction(
      async (tx) => {
        const { runCount } = plan;
        if (!(await insertSweep(tx, { id, orgId, spec: { ...spec, id }, digest, runCount }))) {
          return false;
        }
        await this.#addRuns(tx, { id, orgId, actor, spec, plan, quantIds: selection.quantIds });
        return true;
      },
      { timeoutMs: TRANSACTION_MS },
    );
    if (!made) {
      const other = await this.#findSame(orgId, id, digest);
      if (other === null) throw new Error(`sweep ${id} vanished`);
      return other;
    }
    const sweep = await readSweep(this.#database.prisma, orgId, id);
    return { sweep, runCount: plan.runCount, unserved: plan.unserved };
  }

  async #addRuns(
    tx: Tx,
    made: {
      id: string;
      orgId: string;
      actor: string;
      spec: CreateSweep;
      plan: SweepPlan;
      quantIds: string[];
    },
  ): Promise<void> {
    const { id, orgId, actor, spec, plan, quantIds } = made;
    await recordEvent(tx, {
      orgId,
      actor,
      kind: "sweep.created",
      subjectKind: "sweep",
      subjectId: id,
      data: { name: spec.name, runCount: plan.runCount },
    });
    const workloadIds: string[] = [];
    for (const workload of distinctWorkloads(spec)) {
      workloadIds.push((await ensureWorkload(tx, orgId, workload)).id);
    }
    const common = { sweepId: id, band: spec.band, maxAttempts: MAX_ATTEMPTS, actor };
    for (const targets of inBatches(expandTargets(plan, quantIds, workloadIds), RUN_BATCH)) {
      await this.#createRuns.create(tx, orgId, targets, common);
    }
  }

  async #findSame(orgId: string, id: string, digest: string): Promise<CreatedSweep | null> {
    const identity = await findSweepIdentity(this.#database.prisma, id);
    if (identity === null) return null;
    if (identity.orgId !== orgId || identity.digest !== digest) {
      throw new Problem(
        "conflict",
        `there is another sweep ${id} already; leave \`id\` out, or choose a new one`,
      );
    }
    const sweep = await readSweep(this.#database.prisma, orgId, id);
    return { sweep, runCount: identity.runCount, unserved: [] };
  }
}

function unknownIds(unknown: { path: string; id: string }[]): Problem {
  return new Problem(
    "invalid_request",
    "the sweep names what this org does not have; see `errors`",
    unknown.map(({ path, id }) => ({ path: `body.${path}`, message: `${id} is unknown` })),
  );
}

function refuseUnrunnable({ runCount, unserved }: SweepPlan): void {
  if (runCount > MOST_RUNS) {
    throw new Problem(
      "invalid_request",
      `the sweep would be ${runCount} runs; at most ${MOST_RUNS} fit in one: narrow its selectors and make several`,
    );
  }
  if (runCount > 0) return;
  const reasons = unserved
    .slice(0, 5)
    .map(({ combination, reason }) => `${combination}: ${reason}`)
    .join("; ");
  throw new Problem(
    "invalid_request",
    `nothing of this sweep can run (${reasons}); try dryRun to see all reasons`,
  );
}
