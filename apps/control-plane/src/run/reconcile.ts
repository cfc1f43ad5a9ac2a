import { Injectable, type OnModuleInit } from "@nestjs/common";
import { Config } from "../platform/config.js";
import { Periodic } from "../platform/schedule.js";
import { ExpireLeases } from "./expire-leases.js";
import { RepairRuns } from "./repair-runs.js";

/** Re-derives from the books what a lost reminder or hint would have done; needs no queue. */
@Injectable()
export class Reconcile implements OnModuleInit {
  readonly #periodic: Periodic;
  readonly #expireLeases: ExpireLeases;
  readonly #repairRuns: RepairRuns;
  readonly #intervalMs: number;

  constructor(
    periodic: Periodic,
    expireLeases: ExpireLeases,
    repairRuns: RepairRuns,
    config: Config,
  ) {
    this.#periodic = periodic;
    this.#expireLeases = expireLeases;
    this.#repairRuns = repairRuns;
    this.#intervalMs = config.timers.reconcileMs;
  }

  onModuleInit(): void {
    this.#periodic.register("expire-leases", this.#intervalMs, async () => {
      await this.#expireLeases.expireAll();
    });
    this.#periodic.register("repair-runs", this.#intervalMs * 6, async () => {
      await this.#repairRuns.repair();
    });
  }
}
