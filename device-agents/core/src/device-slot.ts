import type {
  AttemptPhase,
  Assignment,
  DeviceAvailability,
  DevicePresence,
} from "@benchfarm/contracts";
import type { z } from "zod";
import type { DeviceHost, HostDescription } from "./device-host.js";

/** Why a live attempt has to stop. */
export type StopReason =
  | { kind: "canceled"; detail: string }
  | { kind: "lease_lost"; detail: string }
  | { kind: "drained"; detail: string };

/** An attempt between its acceptance and its end, in this process. */
export class LiveAttempt {
  phase: AttemptPhase = "accepted";
  progress: { repetition: number; repetitions: number; waitingFor: string | null } | null = null;
  stopReason: StopReason | null = null;
  private readonly controller = new AbortController();

  constructor(readonly assignment: Assignment) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The first reason stays. */
  stop(reason: StopReason): void {
    this.stopReason ??= reason;
    this.controller.abort();
  }
}

/** One device of the agent and what it is doing. Null `live` and `ready` is what asks for work. */
export class DeviceSlot {
  deviceId: string | null = null;
  availability: DeviceAvailability = "ready";
  live: LiveAttempt | null = null;

  constructor(
    readonly host: DeviceHost,
    public description: HostDescription,
  ) {}

  get localId(): string {
    return this.description.device.localId;
  }

  get asksForWork(): boolean {
    return this.deviceId !== null && this.availability === "ready" && this.live === null;
  }

  /**
   * The device as the farm is told of it. Sensors are read only while nothing is measured: reading them starts the window over which
   * a repetition's conditions are taken.
   */
  async presence(freeDiskBytes: number | null): Promise<z.input<typeof DevicePresence> | null> {
    if (this.deviceId === null) return null;
    const conditions = this.live === null ? await this.host.sensors().catch(() => null) : null;
    const availability = this.live === null ? this.availability : "leased";
    return { deviceId: this.deviceId, availability, conditions, freeDiskBytes };
  }
}
