import { routes, type AgentTimers, type Client } from "@benchfarm/contracts";
import type { AgentLog } from "./agent-event.js";
import { withJitter } from "./back-off.js";
import type { Clock } from "./clock.js";
import type { DeviceSlot, LiveAttempt } from "./device-slot.js";
import { meaningOf } from "./server-answer.js";

/** A farm that is away may hold up a repetition this long, once each. */
const BEAT_TIMEOUT_MS = 5_000;

export interface HeartbeatParts {
  client: Client;
  clock: Clock;
  log: AgentLog;
  slots: readonly DeviceSlot[];
  session: () => { sessionId: string; timers: AgentTimers } | null;
  onSessionLost: () => void;
  onFatal: (error: unknown) => void;
}

/**
 * The one heartbeat of an agent: renews the leases of all live attempts and learns which must stop. It is silent while a repetition
 * is measured: the silence is announced first, so that the lease covers it, and lasts no longer than was announced.
 */
export class Heartbeat {
  private readonly quiet = new Map<symbol, number>();
  private lastBeatMs = Number.NEGATIVE_INFINITY;
  private coveredUntilMs = Number.NEGATIVE_INFINITY;
  private beating: Promise<void> = Promise.resolve();

  constructor(private readonly parts: HeartbeatParts) {}

  /** Beats until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.parts;
    while (!signal.aborted) {
      const session = this.parts.session();
      await clock.sleep(withJitter(session?.timers.heartbeatMs ?? 1_000), signal);
      while (!signal.aborted && this.quietLeftMs() > 0) {
        await clock.sleep(Math.min(this.quietLeftMs(), 1_000), signal);
      }
      if (signal.aborted) return;
      await this.beat(0);
    }
  }

  /**
   * Before a repetition: makes sure that the farm knows of the silence to come, then keeps it until the returned function is called.
   * A farm that is away does not stop the repetition; its result may come late.
   */
  async enterQuiet(expectedMs: number): Promise<() => void> {
    const { clock } = this.parts;
    const timers = this.parts.session()?.timers;
    const quietMs = Math.round(Math.min(expectedMs, timers?.maxQuietMs ?? expectedMs));
    const nowMs = clock.monotonicMs();
    const isDue = nowMs - this.lastBeatMs > (timers?.heartbeatMs ?? 0) / 3;
    if (isDue || this.coveredUntilMs < nowMs + quietMs) await this.beat(quietMs);
    else await this.beating;
    const token = Symbol("quiet");
    this.quiet.set(token, clock.monotonicMs() + quietMs);
    return () => {
      this.quiet.delete(token);
    };
  }

  private quietLeftMs(): number {
    return Math.max(0, ...this.quiet.values()) - this.parts.clock.monotonicMs();
  }

  private beat(quietMs: number): Promise<void> {
    this.beating = this.beating.then(() => this.beatOnce(quietMs));
    return this.beating;
  }

  private async beatOnce(quietMs: number): Promise<void> {
    const { client, clock, log, slots } = this.parts;
    const session = this.parts.session();
    const live = slots.flatMap((slot) => (slot.live === null ? [] : [slot.live]));
    if (session === null || live.length === 0) return;
    try {
      const devices = await Promise.all(slots.map((slot) => slot.presence(null)));
      const sentMs = clock.monotonicMs();
      const reply = await client.call(routes.heartbeat, {
        body: {
          sessionId: session.sessionId,
          attempts: live.map(({ assignment, phase, progress }) => ({
            attemptId: assignment.attemptId,
            epoch: assignment.epoch,
            phase,
            quietMs,
            progress,
          })),
          devices: devices.filter((device) => device !== null),
        },
        signal: AbortSignal.timeout(BEAT_TIMEOUT_MS),
      });
      this.lastBeatMs = sentMs;
      this.coveredUntilMs = sentMs + quietMs;
      for (const answer of reply.attempts) {
        const attempt = live.find(({ assignment }) => assignment.attemptId === answer.attemptId);
        if (attempt !== undefined) obey(attempt, answer);
      }
    } catch (error) {
      try {
        const meaning = meaningOf(error);
        if (meaning.kind === "new_session") this.parts.onSessionLost();
        else log.warn(`heartbeat failed: ${meaning.message}`);
      } catch (fatal) {
        this.parts.onFatal(fatal);
      }
    }
  }
}

function obey(
  attempt: LiveAttempt,
  answer: { held: boolean; mustStop: boolean; reason: string | null },
): void {
  if (!answer.held) {
    attempt.stop({ kind: "lease_lost", detail: answer.reason ?? "the farm gave the lease up" });
  } else if (answer.mustStop) {
    attempt.stop({ kind: "canceled", detail: answer.reason ?? "the farm asked to stop" });
  }
}
