import { newId, type Assignment } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { INELIGIBLE, type IneligibleCode } from "../device/device.rules.js";
import type { ReportedPresence } from "../device/presence.store.js";
import { recordPresence } from "../device/record-presence.js";
import { Clock } from "../platform/clock.js";
import { Config } from "../platform/config.js";
import { Database, isUniqueViolation } from "../platform/database/database.js";
import {
  claimRun,
  readClaim,
  readRefusals,
  type ClaimOutcome,
  type OfferRow,
} from "./claim.store.js";
import { ExpiryTimer } from "./expiry-timer.js";
import { PollWaiters } from "./poll-waiters.js";
import { artifactFileName, limitsFor } from "./run.rules.js";

/** A lost hint costs at most this long. */
const RETRY_MS = 5_000;
/** How often a claim that met others is tried again before the poll goes on waiting. */
const CONTENDED_TRIES = 5;
/** How long an agent rests whose devices a person took out of service. */
const OUT_OF_SERVICE_REST_MS = 15_000;
const NONE_READY_REST_MS = 5_000;

const OUT_OF_SERVICE: readonly (IneligibleCode | null)[] = [
  "pending",
  "maintenance",
  "retired",
  "quarantined",
  "health_unknown",
  "health_suspect",
  "health_bad",
  "health_looping",
];

export type PollAnswer =
  | { kind: "offer"; assignment: Assignment }
  | { kind: "nothing"; retryAfterMs: number }
  | { kind: "sleep"; retryAfterMs: number; reason: string };

export interface Poll {
  sessionId: string;
  claimId: string;
  waitMs: number;
  devices: ReportedPresence[];
}

/** Hands out work. */
@Injectable()
export class ClaimRun {
  readonly #database: Database;
  readonly #waiters: PollWaiters;
  readonly #timer: ExpiryTimer;
  readonly #clock: Clock;
  readonly #timers: Config["timers"];

  constructor(
    database: Database,
    waiters: PollWaiters,
    timer: ExpiryTimer,
    clock: Clock,
    config: Config,
  ) {
    this.#database = database;
    this.#waiters = waiters;
    this.#timer = timer;
    this.#clock = clock;
    this.#timers = config.timers;
  }

  /**
   * Answers a long poll: an offer as soon as there is work for a device that the agent calls ready, or after the wait that there is
   * none. That a device is called ready is the agent's word that it is clean; it counts from this call on. The same claim again gets
   * the same offer while it stands. Throws `session_unknown`.
   */
  async poll(agentId: string, poll: Poll, signal: AbortSignal): Promise<PollAnswer> {
    const startedMs = this.#clock.monotonicMs();
    const waitMs = Math.min(poll.waitMs, this.#timers.pollWaitMs);
    const ready = poll.devices.filter((d) => d.availability === "ready").map((d) => d.deviceId);
    const claim = () => this.#claim(agentId, poll, ready);
    const first = ready.length === 0 ? null : await claim();
    if (first?.kind === "offer") return offered(first.offer);

    const { leaseMs } = this.#timers;
    const { sql } = this.#database;
    await recordPresence(sql, agentId, poll.sessionId, poll.devices, leaseMs);
    const earlier = await readClaim(sql, agentId, poll.claimId);
    if (earlier.kind === "offer") return offered(earlier.offer);
    if (earlier.kind === "spent") return { kind: "nothing", retryAfterMs: 0 };
    if (ready.length === 0) {
      return { kind: "sleep", retryAfterMs: NONE_READY_REST_MS, reason: "no device is ready" };
    }
    const rest = await this.#restOf(agentId, ready);
    if (rest !== null) return rest;

    // An agent not heard of for a lease time was not eligible until its presence was written.
    let next = await claim();
    for (;;) {
      if (next.kind === "offer") return offered(next.offer);
      const leftMs = waitMs - (this.#clock.monotonicMs() - startedMs);
      if (leftMs <= 0) return { kind: "nothing", retryAfterMs: 0 };
      const woken = await this.#waiters.wait(ready, Math.min(leftMs, RETRY_MS), signal);
      if (woken.kind === "gone") return { kind: "nothing", retryAfterMs: 0 };
      if (woken.kind === "closing") return { kind: "nothing", retryAfterMs: 500 };
      next = await claim();
      const takesMore = next.kind === "offer" || (next.kind === "nothing" && !next.eligible);
      if (woken.kind === "hint" && takesMore) woken.hint.passOn();
    }
  }

  async #claim(agentId: string, poll: Poll, deviceIds: string[]): Promise<ClaimOutcome> {
    const { offerMs, leaseMs } = this.#timers;
    const { sessionId, claimId } = poll;
    for (let tries = 1; ; tries += 1) {
      try {
        const outcome = await claimRun(this.#database.sql, {
          agentId,
          sessionId,
          claimId,
          deviceIds,
          attemptId: newId("attempt"),
          eventId: newId("event"),
          offerMs,
          leaseMs,
          timer: this.#timer.reminderIn(offerMs),
        });
        if (outcome.kind !== "contended" || tries >= CONTENDED_TRIES) return outcome;
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        // The same claim is being made beside this one, and has won.
        const won = await readClaim(this.#database.sql, agentId, claimId);
        if (won.kind === "offer") return won;
        return { kind: "nothing", eligible: false };
      }
    }
  }

  /** When every device was taken out of service there is nothing to wait for. */
  async #restOf(agentId: string, deviceIds: string[]): Promise<PollAnswer | null> {
    const rows = await readRefusals(this.#database.sql, agentId, deviceIds, this.#timers.leaseMs);
    if (rows.some((row) => !OUT_OF_SERVICE.includes(row.refusal))) return null;
    const reason =
      rows.map((row) => `${row.name} ${INELIGIBLE[row.refusal as IneligibleCode]}`).join("; ") ||
      "none of these devices is this agent's";
    // Spread out, so that agents that were stopped together do not come back together.
    const retryAfterMs = Math.round(OUT_OF_SERVICE_REST_MS * (0.5 + Math.random()));
    return { kind: "sleep", retryAfterMs, reason };
  }
}

function offered(offer: OfferRow): PollAnswer {
  return {
    kind: "offer",
    assignment: {
      attemptId: offer.attemptId,
      runId: offer.runId,
      deviceId: offer.deviceId,
      localId: offer.localId,
      epoch: offer.epoch,
      claimId: offer.claimId,
      offerUntil: offer.offerUntil.toISOString(),
      engine: { adapter: offer.engine, version: offer.engineVersion },
      backend: offer.backend,
      workload: offer.spec,
      artifact: {
        sha256: offer.sha256,
        sizeBytes: Number(offer.sizeBytes),
        fileName: artifactFileName(offer.modelName, offer.quantName),
        modelName: offer.modelName,
        quantName: offer.quantName,
        source: offer.source,
      },
      limits: limitsFor(offer.spec),
    },
  };
}
