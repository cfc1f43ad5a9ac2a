import { Injectable } from "@nestjs/common";
import { ModuleRef } from "@nestjs/core";
import { Clock } from "../clock.js";

export interface AgentKey {
  /** Raw Ed25519 public key, base64url. */
  publicKey: string;
  orgId: string;
  revoked: boolean;
}

/** Where the keys of enrolled agents are; provided by the device slice. */
export abstract class AgentKeys {
  abstract find(agentId: string): Promise<AgentKey | null>;
}

const FRESH_MS = 5_000;
const MAX_KEPT = 20_000;

/** Agent keys, looked up at most each 5 s per agent and process: a revocation reaches every process within that time. */
@Injectable()
export class AgentKeyCache {
  readonly #moduleRef: ModuleRef;
  readonly #clock: Clock;
  readonly #kept = new Map<string, { key: AgentKey | null; untilMs: number }>();
  #source: AgentKeys | undefined;

  constructor(moduleRef: ModuleRef, clock: Clock) {
    this.#moduleRef = moduleRef;
    this.#clock = clock;
  }

  async find(agentId: string): Promise<AgentKey | null> {
    const kept = this.#kept.get(agentId);
    const nowMs = this.#clock.monotonicMs();
    if (kept !== undefined && kept.untilMs > nowMs) return kept.key;
    // Not in the constructor: the device slice is built after the platform.
    const source = (this.#source ??= this.#moduleRef.get<AgentKeys>(AgentKeys, { strict: false }));
    const key = await source.find(agentId);
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    // What is not there is not kept: an agent calls in the instant after it enrolled.
    if (key !== null) this.#kept.set(agentId, { key, untilMs: nowMs + FRESH_MS });
    return key;
  }

  /** Makes this process look the agent's key up anew. */
  forget(agentId: string): void {
    this.#kept.delete(agentId);
  }
}
