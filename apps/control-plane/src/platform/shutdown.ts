import { setMaxListeners } from "node:events";
import { Injectable, type OnModuleDestroy } from "@nestjs/common";

/** Says that the process is about to stop, before anything is closed: long waits end early. */
@Injectable()
export class Shutdown implements OnModuleDestroy {
  readonly #controller = new AbortController();

  constructor() {
    // Every waiting request listens.
    setMaxListeners(0, this.#controller.signal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  onModuleDestroy(): void {
    this.#controller.abort();
  }
}
