import { Injectable, type OnModuleDestroy, type OnModuleInit } from "@nestjs/common";
import { Database } from "../platform/database/database.js";
import { Wake } from "../platform/wake.js";
import { readMatchingDevices } from "./claim.store.js";

/** How many polls one hint wakes at once; each that finds work wakes the next. */
const WIDTH = 4;

/** A hint on its way through the polls that may serve it. */
export interface Hint {
  /** Wakes the next poll: the one before got an offer, so there may be more, or could not take one. */
  passOn(): void;
}

export type WakeReason =
  { kind: "hint"; hint: Hint } | { kind: "retry" } | { kind: "gone" } | { kind: "closing" };

interface Waiter {
  deviceIds: string[];
  wake: (reason: WakeReason) => void;
}

/**
 * The long polls that wait in this process, by device. A hint about a match key wakes a few of those whose device meets it, not all of
 * them: with a thousand idle devices one new run must not cost a thousand claims.
 */
@Injectable()
export class PollWaiters implements OnModuleInit, OnModuleDestroy {
  readonly #database: Database;
  readonly #wakeSource: Wake;
  readonly #waiting = new Map<string, Waiter>();
  /** Keys whose devices are being looked up; true when another hint came meanwhile. */
  readonly #looking = new Map<string, boolean>();
  #unsubscribe: (() => void) | undefined;
  #closing = false;

  constructor(database: Database, wakeSource: Wake) {
    this.#database = database;
    this.#wakeSource = wakeSource;
  }

  onModuleInit(): void {
    this.#unsubscribe = this.#wakeSource.subscribe((matchKey) => void this.#hint(matchKey));
  }

  /** Sends every poll home, so that the server can close. */
  onModuleDestroy(): void {
    this.#closing = true;
    this.#unsubscribe?.();
    for (const waiter of new Set(this.#waiting.values())) waiter.wake({ kind: "closing" });
  }

  /** How many devices a poll waits for here. */
  get count(): number {
    return this.#waiting.size;
  }

  /** Waits for a hint about one of these devices, at most `waitMs`; a poll that its caller has given up is `gone`. */
  wait(deviceIds: string[], waitMs: number, signal: AbortSignal): Promise<WakeReason> {
    if (this.#closing) return Promise.resolve({ kind: "closing" });
    if (signal.aborted) return Promise.resolve({ kind: "gone" });
    return new Promise((resolve) => {
      const wake = (reason: WakeReason) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", gone);
        for (const id of deviceIds) {
          if (this.#waiting.get(id) === waiter) this.#waiting.delete(id);
        }
        resolve(reason);
      };
      const waiter: Waiter = { deviceIds, wake };
      const gone = () => wake({ kind: "gone" });
      const timer = setTimeout(() => wake({ kind: "retry" }), waitMs);
      signal.addEventListener("abort", gone, { once: true });
      for (const id of deviceIds) this.#waiting.set(id, waiter);
    });
  }

  async #hint(matchKey: string): Promise<void> {
    if (this.#waiting.size === 0) return;
    if (this.#looking.has(matchKey)) {
      this.#looking.set(matchKey, true);
      return;
    }
    this.#looking.set(matchKey, false);
    try {
      this.#start(await readMatchingDevices(this.#database.prisma, matchKey));
    } catch {
      // A lost hint costs time only: every poll looks again by itself.
    }
    const again = this.#looking.get(matchKey) === true;
    this.#looking.delete(matchKey);
    if (again) await this.#hint(matchKey);
  }

  #start(deviceIds: string[]): void {
    const left = deviceIds.filter((id) => this.#waiting.has(id));
    const hint: Hint = {
      passOn: () => {
        for (;;) {
          const id = left.pop();
          if (id === undefined) return;
          const waiter = this.#waiting.get(id);
          if (waiter === undefined) continue;
          waiter.wake({ kind: "hint", hint });
          return;
        }
      },
    };
    for (let i = 0; i < WIDTH; i += 1) hint.passOn();
  }
}
