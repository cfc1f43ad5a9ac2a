import { Injectable, type OnModuleInit } from "@nestjs/common";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { Periodic } from "../platform/schedule.js";
import { markSilentDevices } from "./presence.store.js";

/** Marks devices whose agents have fallen silent as unreachable, again and again. */
@Injectable()
export class WatchDevices implements OnModuleInit {
  readonly #database: Database;
  readonly #periodic: Periodic;
  readonly #timers: Config["timers"];

  constructor(database: Database, periodic: Periodic, config: Config) {
    this.#database = database;
    this.#periodic = periodic;
    this.#timers = config.timers;
  }

  onModuleInit(): void {
    this.#periodic.register("mark-silent-devices", this.#timers.reconcileMs, async () => {
      await this.markSilent();
    });
  }

  /** One pass; returns how many devices fell silent. */
  markSilent(): Promise<number> {
    return markSilentDevices(this.#database.prisma, this.#timers.leaseMs);
  }
}
