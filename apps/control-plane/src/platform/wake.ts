import { Injectable } from "@nestjs/common";
import { Prisma, type SqlTx } from "./database/database.js";
import { Notifications } from "./database/notifications.js";

const CHANNEL = "benchfarm_wake";

/** Tells waiting polls, in every process of the farm, that there may be work for a match key. A hint: a lost one costs time only. */
@Injectable()
export class Wake {
  readonly #notifications: Notifications;

  constructor(notifications: Notifications) {
    this.#notifications = notifications;
  }

  /** Sends the hint when `tx` commits, once per key. */
  async publish(tx: SqlTx, matchKeys: string[]): Promise<void> {
    if (matchKeys.length === 0) return;
    await tx.$executeRaw(
      Prisma.sql`select pg_notify(${CHANNEL}, key) from unnest(${[...new Set(matchKeys)]}::text[]) as key`,
    );
  }

  /** Calls `listener` with each match key that was published anywhere; returns what ends it. */
  subscribe(listener: (matchKey: string) => void): () => void {
    return this.#notifications.subscribe(CHANNEL, listener);
  }
}
