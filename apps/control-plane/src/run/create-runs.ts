import {
  BAND_RANK,
  newId,
  Problem,
  type Band,
  type RunTarget,
  type WorkloadSpec,
} from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { findQuants, findSku, findWorkloads } from "../catalogue/catalogue.store.js";
import { ensureRequirements } from "../device/device-match.store.js";
import { readDevices } from "../device/device.store.js";
import { requirementOf } from "../device/requirement.rules.js";
import { Config } from "../platform/config.js";
import type { Tx } from "../platform/database/database.js";
import { Wake } from "../platform/wake.js";
import { estimateMs, QUEUED_CHECK_MS } from "./run.rules.js";
import { insertRuns, lockShare, writeShare, type NewRun } from "./run.store.js";
import { virtualFinishTimes } from "./share.rules.js";

/** What all runs that are created together have in common. */
export interface RunsInCommon {
  sweepId: string | null;
  band: Band;
  maxAttempts: number;
  actor: string;
}

export interface RunToCreate extends RunTarget {
  /** The client's own id, or a new one. */
  id?: string | undefined;
}

const INSERT_BATCH = 5_000;

/** Puts runs in the queue. */
@Injectable()
export class CreateRuns {
  readonly #wake: Wake;
  readonly #leaseMs: number;

  constructor(wake: Wake, config: Config) {
    this.#wake = wake;
    this.#leaseMs = config.timers.leaseMs;
  }

  /**
   * Creates queued runs in the caller's transaction, in this order of fair-share time, each with its event, and tells waiting polls on
   * commit. A run that no device can serve is queued all the same; `why` explains. Returns the ids in order. Throws `invalid_request`
   * for a quant, workload, device or sku that the org does not have.
   */
  async create(
    tx: Tx,
    orgId: string,
    targets: RunToCreate[],
    common: RunsInCommon,
  ): Promise<string[]> {
    if (targets.length === 0) return [];
    const specs = await this.#checkTargets(tx, orgId, targets);
    const matchKeys = await ensureRequirements(
      tx,
      targets.map((target) => requirementOf(orgId, target)),
    );
    const estimatesMs = targets.map((target) =>
      estimateMs(specs.get(target.workloadId) as WorkloadSpec),
    );
    const share = await lockShare(tx, orgId);
    const times = virtualFinishTimes(share.poolClock, share.lastVft, estimatesMs);
    await writeShare(tx, orgId, times.at(-1) as number);
    const runs = targets.map((target, i): NewRun => ({
      id: target.id ?? newId("run"),
      quantId: target.quantId,
      workloadId: target.workloadId,
      engine: target.engine,
      engineVersion: target.engineVersion,
      backend: target.backend,
      deviceId: target.deviceId,
      skuId: target.skuId,
      matchKey: matchKeys[i] as string,
      vft: times[i] as number,
      estimatedMs: estimatesMs[i] as number,
    }));
    const { sweepId, maxAttempts, actor } = common;
    for (let at = 0; at < runs.length; at += INSERT_BATCH) {
      await insertRuns(tx, runs.slice(at, at + INSERT_BATCH), {
        orgId,
        sweepId,
        band: BAND_RANK[common.band],
        maxAttempts,
        checkMs: QUEUED_CHECK_MS,
        actor,
      });
    }
    await this.#wake.publish(tx, matchKeys);
    return runs.map((run) => run.id);
  }

  async #checkTargets(
    tx: Tx,
    orgId: string,
    targets: RunToCreate[],
  ): Promise<Map<string, WorkloadSpec>> {
    const unique = (ids: (string | null)[]) => [...new Set(ids.filter((id) => id !== null))];
    const quantIds = unique(targets.map((t) => t.quantId));
    const workloadIds = unique(targets.map((t) => t.workloadId));
    const deviceIds = unique(targets.map((t) => t.deviceId));
    const quants = new Set((await findQuants(tx, orgId, quantIds)).map((q) => q.id));
    const specs = new Map((await findWorkloads(tx, orgId, workloadIds)).map((w) => [w.id, w.spec]));
    const devices = new Set(
      deviceIds.length === 0
        ? []
        : (
            await readDevices(tx, orgId, this.#leaseMs, {
              ids: deviceIds,
              limit: deviceIds.length,
            })
          ).map((d) => d.id),
    );
    const skus = new Set<string>();
    for (const id of unique(targets.map((t) => t.skuId))) {
      if ((await findSku(tx, orgId, id)) !== null) skus.add(id);
    }
    const require = (path: string, ids: string[], known: { has(id: string): boolean }) => {
      const missing = ids.find((id) => !known.has(id));
      if (missing === undefined) return;
      throw new Problem(
        "invalid_request",
        `there is no ${path.replace("Id", "")} ${missing} in this org`,
        [{ path: `body.${path}`, message: `${missing} is unknown` }],
      );
    };
    require("quantId", quantIds, quants);
    require("workloadId", workloadIds, specs);
    require("deviceId", deviceIds, devices);
    require("skuId", unique(targets.map((t) => t.skuId)), skus);
    return specs;
  }
}
