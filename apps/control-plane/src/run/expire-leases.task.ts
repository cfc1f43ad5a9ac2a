import { z } from "zod";
import { BackgroundTask, type TaskHandler } from "../platform/queue/define-task.js";
import { ExpireLeases } from "./expire-leases.js";

/** The reminder that a lease may be over (see expiry-timer.ts). */
@BackgroundTask({ name: "expire-leases", payload: z.object({}) })
export class ExpireLeasesTask implements TaskHandler {
  readonly #expireLeases: ExpireLeases;

  constructor(expireLeases: ExpireLeases) {
    this.#expireLeases = expireLeases;
  }

  async run(): Promise<void> {
    await this.#expireLeases.expireAll();
  }
}
