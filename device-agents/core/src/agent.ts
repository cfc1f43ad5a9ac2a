import { newId, routes, type Client, type PollReply } from "@benchfarm/contracts";
import type { Engine } from "@benchfarm/engines";
import { join } from "node:path";
import { silentLog, type AgentEvent, type AgentLog } from "./agent-event.js";
import { AgentStopped } from "./agent-failure.js";
import { ArtifactCache } from "./artifact-cache.js";
import { BackOff, withJitter } from "./back-off.js";
import { systemClock, type Clock } from "./clock.js";
import { CALL_TIMEOUT_MS, deliver, deliverBacklog } from "./deliver.js";
import { DeviceSlot } from "./device-slot.js";
import type { DeviceHost } from "./device-host.js";
import { createFarmClient } from "./farm-client.js";
import { lockFolder } from "./folder-lock.js";
import { Heartbeat } from "./heartbeat.js";
import { readKey, readRegistration } from "./identity.js";
import { Journal } from "./journal.js";
import { openSession, type Session } from "./open-session.js";
import { runAttempt } from "./run-attempt.js";
import { meaningOf } from "./server-answer.js";

export interface AgentOptions {
  url: string;
  /** The folder of an enrolled agent: key, registration, journal and artifact cache. */
  folder: string;
  hosts: readonly DeviceHost[];
  engines: readonly Engine[];
  /** Ends the agent: live attempts are stopped and given back first. */
  signal: AbortSignal;
  log?: AgentLog;
  onProgress?: (event: AgentEvent) => void;
  /** Content-addressed folders on this machine from which model files are taken without a download. */
  artifactSources?: readonly string[];
  /** Cap of the artifact cache; none by default, then the disk's free space decides. */
  maxCacheBytes?: number;
  clock?: Clock;
  fetch?: typeof fetch;
}

/** How much longer than the farm's own wait a poll may take. */
const POLL_GRACE_MS = 10_000;
/** How long the agent tries to give its attempts back when it ends. */
const LAST_WORDS_MS = 5_000;

/**
 * Runs an enrolled agent until `signal` is aborted: opens its session, delivers what the journal holds, asks for work and does it.
 * A farm that is away is waited for, for ever; a running attempt goes on meanwhile. Throws AgentStopped when a person has to act: not
 * enrolled, too old, key refused, folder in use.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { folder, url } = options;
  const registration = await readRegistration(folder);
  const privateKey = await readKey(folder);
  if (registration === null || privateKey === null) {
    throw new AgentStopped(
      "not_enrolled",
      `${folder} holds no enrolled agent; get a one-time code from the farm and enrol first`,
    );
  }
  const lock = await lockFolder(folder);
  try {
    const journal = Journal.open(folder);
    try {
      const clock = options.clock ?? systemClock;
      const client = createFarmClient({
        url,
        privateKey,
        keyId: registration.agentId,
        clock,
        ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      });
      await new Agent(options, registration.agentId, client, journal, clock).run();
    } finally {
      journal.close();
    }
  } finally {
    await lock.release();
  }
}

class Agent {
  private readonly log: AgentLog;
  private readonly onEvent: (event: AgentEvent) => void;
  private readonly cache: ArtifactCache;
  private readonly heartbeat: Heartbeat;
  private readonly slots: DeviceSlot[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly backOff: BackOff;
  private session: Session | null = null;
  private claimId: string | null = null;
  private isReachable = true;
  private readonly ending = new AbortController();
  private fatal: { error: unknown } | null = null;
  /** Ends a poll or a pause early: a device has become free, or the session is gone. */
  private nudge = new AbortController();

  constructor(
    private readonly options: AgentOptions,
    private readonly agentId: string,
    private readonly client: Client,
    private readonly journal: Journal,
    private readonly clock: Clock,
  ) {
    this.log = options.log ?? silentLog;
    this.onEvent = options.onProgress ?? (() => undefined);
    this.backOff = new BackOff(clock);
    this.cache = new ArtifactCache({
      folder: join(options.folder, "artifacts"),
      clock,
      sources: options.artifactSources ?? [],
      ...(options.maxCacheBytes === undefined ? {} : { maxBytes: options.maxCacheBytes }),
    });
    this.heartbeat = new Heartbeat({
      client,
      clock,
      log: this.log,
      slots: this.slots,
      session: () => this.session,
      onSessionLost: () => this.loseSession(),
      onFatal: (error) => this.fail(error),
    });
  }

  async run(): Promise<void> {
    const stop = () => this.ending.abort();
    this.options.signal.addEventListener("abort", stop);
    if (this.options.signal.aborted) stop();
    let beating: Promise<void> = Promise.resolve();
    try {
      await this.prepareDevices();
      beating = this.heartbeat.run(this.ending.signal);
      while (!this.ending.signal.aborted) await this.step();
    } catch (error) {
      this.fail(error);
    } finally {
      this.ending.abort();
      this.options.signal.removeEventListener("abort", stop);
      await Promise.allSettled([...this.running, beating]);
      await this.sayLastWords();
      await Promise.allSettled(this.options.hosts.map((host) => host.dispose()));
    }
    if (this.fatal !== null) throw this.fatal.error;
  }

  /** Ends engine processes that an agent before this one left, then describes the devices. */
  private async prepareDevices(): Promise<void> {
    this.journal.forgetOld(this.clock.wallMs());
    const entries = this.journal.unfinished();
    for (const host of this.options.hosts) {
      const description = await host.describe();
      const orphans = entries.flatMap(({ child, assignment }) =>
        child !== null && assignment.localId === description.device.localId ? [child] : [],
      );
      await host.settle(orphans);
      this.slots.push(new DeviceSlot(host, description));
    }
  }

  private async step(): Promise<void> {
    try {
      if (this.session === null) this.session = await this.openSession();
      if (!(await this.deliverBacklog())) return;
      if (!this.slots.some((slot) => slot.asksForWork)) {
        await this.pause(this.session.timers.heartbeatMs);
        return;
      }
      await this.poll(this.session);
    } catch (error) {
      if (this.ending.signal.aborted) return;
      const meaning = meaningOf(error);
      if (meaning.kind === "new_session") {
        this.loseSession();
        // Two agents with one identity would take each other's session in turn, without end.
        this.log.warn(`the session is lost: ${meaning.message}`);
        await this.backOff.wait(this.ending.signal);
      } else {
        await this.waitForFarm(meaning.message, meaning.kind === "later" ? meaning.afterMs : 0);
      }
    }
  }

  private async openSession(): Promise<Session> {
    const session = await openSession({
      ...this.deliveryParts(),
      slots: this.slots,
      signal: AbortSignal.any([this.ending.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    });
    this.reach();
    const deviceIds = this.slots.flatMap(({ deviceId }) => (deviceId === null ? [] : [deviceId]));
    this.onEvent({ kind: "session_opened", agentId: this.agentId, deviceIds });
    return session;
  }

  /** False when the farm did not take something now. */
  private async deliverBacklog(): Promise<boolean> {
    const live = this.slots.flatMap((slot) => slot.live?.assignment.attemptId ?? []);
    const delivery = await deliverBacklog(live, this.deliveryParts());
    if (delivery.kind === "delivered") return true;
    await this.waitForFarm(delivery.message, delivery.afterMs);
    return false;
  }

  private async poll(session: Session): Promise<void> {
    // A claim id stays until its answer is here, so that a lost offer is offered again.
    this.claimId ??= newId("claim");
    const freeBytes = await this.cache.freeBytes();
    const devices = await Promise.all(this.slots.map((slot) => slot.presence(freeBytes)));
    this.nudge = new AbortController();
    const nudge = this.nudge.signal;
    let reply: PollReply;
    try {
      reply = await this.client.call(routes.pollWork, {
        body: {
          sessionId: session.sessionId,
          claimId: this.claimId,
          waitMs: session.timers.pollWaitMs,
          devices: devices.filter((device) => device !== null),
        },
        signal: AbortSignal.any([
          this.ending.signal,
          nudge,
          AbortSignal.timeout(session.timers.pollWaitMs + POLL_GRACE_MS),
        ]),
      });
    } catch (error) {
      if (nudge.aborted) return;
      throw error;
    }
    this.reach();
    if (reply.kind !== "offer") {
      this.claimId = null;
      if (reply.retryAfterMs > 0) await this.pause(withJitter(reply.retryAfterMs));
      return;
    }
    this.claimId = null;
    const { assignment } = reply;
    const slot = this.slots.find(({ deviceId }) => deviceId === assignment.deviceId);
    if (slot === undefined || !slot.asksForWork) {
      this.log.warn(`offer ${assignment.attemptId} is for a device that is not free; it lapses`);
      await this.pause(1_000);
      return;
    }
    const attempt = runAttempt(assignment, slot, session.timers.offerMs, this.ending.signal, {
      client: this.client,
      clock: this.clock,
      log: this.log,
      journal: this.journal,
      cache: this.cache,
      engines: this.options.engines,
      heartbeat: this.heartbeat,
      onEvent: this.onEvent,
      onSessionLost: () => this.loseSession(),
    })
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.running.delete(attempt);
        this.nudge.abort();
      });
    this.running.add(attempt);
  }

  /** Waits, or until a device becomes free. */
  private async pause(ms: number): Promise<void> {
    this.nudge = new AbortController();
    await this.clock.sleep(ms, AbortSignal.any([this.ending.signal, this.nudge.signal]));
  }

  private async waitForFarm(message: string, afterMs: number): Promise<void> {
    if (this.isReachable) {
      this.isReachable = false;
      this.log.warn(message);
      this.onEvent({ kind: "farm_unreachable", message });
    }
    await this.backOff.wait(this.ending.signal, afterMs);
  }

  private reach(): void {
    this.backOff.reset();
    if (this.isReachable) return;
    this.isReachable = true;
    this.onEvent({ kind: "farm_reached" });
  }

  private loseSession(): void {
    this.session = null;
    this.nudge.abort();
  }

  private fail(error: unknown): void {
    this.fatal ??= { error };
    this.ending.abort();
  }

  /** Gives back what was stopped by the agent's own end, if the farm answers soon; else the next start does. */
  private async sayLastWords(): Promise<void> {
    const untilMs = this.clock.monotonicMs() + LAST_WORDS_MS;
    for (const entry of this.journal.unfinished()) {
      if (this.clock.monotonicMs() > untilMs || !(entry.resultOpen || entry.endOpen)) continue;
      const delivery = await deliver(entry, this.deliveryParts()).catch(() => null);
      if (delivery === null || delivery.kind === "later") return;
    }
  }

  private deliveryParts() {
    return { client: this.client, journal: this.journal, clock: this.clock, log: this.log };
  }
}
