import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  AGENT_PROTOCOL_VERSION,
  newId,
  routes,
  type AgentTimers,
  type Assignment,
  type Client,
  type DeviceDescription,
  type ResultSubmission,
  type Sample,
} from "@benchfarm/contracts";
import { publicKeyText } from "@benchfarm/signatures";
import { AGENT_VERSION } from "../agent-version.js";
import { systemClock } from "../clock.js";
import { createFarmClient } from "../farm-client.js";
import { NO_CONDITIONS, simulatedDevice } from "./fake-host.js";

export interface SimulatedAgentOptions {
  url: string;
  /** One device named after it by default; every description should stay `simulated`. */
  devices?: DeviceDescription[];
  name?: string;
  fetch?: typeof fetch;
}

/** What one full cycle took, by the monotonic clock of this process. */
export interface CycleTimes {
  attemptId: string;
  /** From the poll's call to the answer of accept. */
  claimMs: number;
  cycleMs: number;
}

/**
 * An agent that speaks the whole protocol as fast as the farm answers, without journal, engine or device: for load tests and for tests
 * of the control plane. Its devices say that they are simulated.
 */
export class SimulatedAgent {
  readonly privateKey: KeyObject = generateKeyPairSync("ed25519").privateKey;
  readonly devices: DeviceDescription[];
  agentId: string | null = null;
  sessionId: string | null = null;
  timers: AgentTimers | null = null;
  /** The farm's ids, in the order of `devices`. */
  deviceIds: string[] = [];
  private client: Client;

  constructor(private readonly options: SimulatedAgentOptions) {
    this.devices = options.devices ?? [simulatedDevice(`simulated-${newId("claim").slice(-12)}`)];
    this.client = this.clientFor(publicKeyText(this.privateKey));
  }

  /** The signing client, for tests that make single calls themselves. */
  get signed(): Client {
    return this.client;
  }

  async enrol(code: string): Promise<void> {
    const reply = await this.client.call(routes.enrolAgent, {
      body: {
        code,
        publicKey: publicKeyText(this.privateKey),
        name: this.options.name ?? "Simulated agent",
        agentVersion: AGENT_VERSION,
        protocolVersion: AGENT_PROTOCOL_VERSION,
        devices: this.devices,
      },
    });
    this.agentId = reply.agentId;
    this.client = this.clientFor(reply.agentId);
  }

  async openSession(): Promise<void> {
    const reply = await this.client.call(routes.openSession, {
      body: {
        agentVersion: AGENT_VERSION,
        protocolVersion: AGENT_PROTOCOL_VERSION,
        devices: this.devices,
        attempts: [],
      },
    });
    this.sessionId = reply.sessionId;
    this.timers = reply.timers;
    this.deviceIds = this.devices.map(
      ({ localId }) => reply.devices.find((bound) => bound.localId === localId)?.deviceId ?? "",
    );
  }

  /** The next offer, or null when there was none within `waitMs`. */
  async poll(waitMs: number, claimId = newId("claim")): Promise<Assignment | null> {
    const reply = await this.client.call(routes.pollWork, {
      body: {
        sessionId: this.sessionId ?? "",
        claimId,
        waitMs,
        devices: this.deviceIds.map((deviceId) => ({
          deviceId,
          availability: "ready" as const,
          conditions: null,
          freeDiskBytes: null,
        })),
      },
    });
    return reply.kind === "offer" ? reply.assignment : null;
  }

  async accept(assignment: Assignment): Promise<void> {
    await this.client.call(routes.acceptAttempt, {
      params: { id: assignment.attemptId },
      body: { epoch: assignment.epoch, claimId: assignment.claimId },
    });
  }

  async beat(assignment: Assignment): Promise<{ held: boolean; mustStop: boolean }> {
    const reply = await this.client.call(routes.heartbeat, {
      body: {
        sessionId: this.sessionId ?? "",
        attempts: [
          {
            attemptId: assignment.attemptId,
            epoch: assignment.epoch,
            phase: "measuring",
            quietMs: 0,
            progress: null,
          },
        ],
        devices: [],
      },
    });
    return reply.attempts[0] ?? { held: false, mustStop: false };
  }

  async submit(assignment: Assignment, result: ResultSubmission): Promise<void> {
    await this.client.call(routes.submitResult, {
      params: { id: assignment.attemptId },
      body: { epoch: assignment.epoch, result },
    });
  }

  /** The device is clean again. */
  async end(assignment: Assignment): Promise<void> {
    await this.client.call(routes.endAttempt, {
      params: { id: assignment.attemptId },
      body: { epoch: assignment.epoch, endReason: "completed", detail: null },
    });
  }

  /**
   * One run from poll to end, with the samples that `measure` gives (a linear model of tokens by default). Null when the farm had no
   * work within `waitMs`.
   */
  async runOnce(
    waitMs: number,
    measure: (assignment: Assignment) => Sample[] = simulatedSamples,
  ): Promise<CycleTimes | null> {
    const startMs = systemClock.monotonicMs();
    const assignment = await this.poll(waitMs);
    if (assignment === null) return null;
    await this.accept(assignment);
    const claimMs = systemClock.monotonicMs() - startMs;
    await this.beat(assignment);
    await this.submit(assignment, this.resultOf(assignment, measure(assignment)));
    await this.end(assignment);
    const cycleMs = systemClock.monotonicMs() - startMs;
    return { attemptId: assignment.attemptId, claimMs, cycleMs };
  }

  /** A measured result with these samples, as this agent's device would submit it. */
  resultOf(assignment: Assignment, samples: Sample[]): ResultSubmission {
    const { workload } = assignment;
    const facts = this.devices
      .flatMap((device) => device.engines)
      .find(({ adapter }) => adapter === assignment.engine.adapter);
    return {
      resultId: newId("result"),
      failure: null,
      samples,
      engine:
        facts === undefined
          ? null
          : {
              adapter: facts.adapter,
              name: facts.name,
              version: facts.version,
              build: facts.build,
              program: facts.program,
            },
      requestedBackend: assignment.backend,
      effectiveBackend: assignment.backend,
      backendEvidence: ["simulated: nothing ran"],
      settings: {
        threads: workload.threads ?? 4,
        batchSize: workload.batchSize,
        microBatchSize: workload.microBatchSize,
        flashAttention: workload.flashAttention,
        cacheTypeK: workload.cacheTypeK,
        cacheTypeV: workload.cacheTypeV,
        gpuLayers: 0,
        cpuVariant: null,
      },
      modelSha256: assignment.artifact.sha256,
      command: null,
      rawOutput: null,
      agentVersion: AGENT_VERSION,
      phasesMs: { prepareMs: 0, gateMs: 0, measureMs: 0 },
    };
  }

  private clientFor(keyId: string): Client {
    return createFarmClient({
      url: this.options.url,
      privateKey: this.privateKey,
      keyId,
      clock: systemClock,
      ...(this.options.fetch === undefined ? {} : { fetch: this.options.fetch }),
    });
  }
}

/** Samples that a device with 1 ms a prompt token and 10 ms a generated one would give, each 1 % slower than the one before. */
export function simulatedSamples({ workload }: Pick<Assignment, "workload">): Sample[] {
  const { promptTokens, generatedTokens, repetitions, warmupRepetitions } = workload;
  return Array.from({ length: warmupRepetitions + repetitions }, (_, index): Sample => {
    const totalNs = Math.round((promptTokens * 1e6 + generatedTokens * 1e7) * (1 + index / 100));
    return {
      index,
      warmup: index < warmupRepetitions,
      promptTokens,
      promptNs: generatedTokens === 0 ? totalNs : null,
      generatedTokens,
      generationNs: promptTokens === 0 ? totalNs : null,
      totalNs,
      loadNs: null,
      cpuNs: null,
      peakMemoryBytes: null,
      gateMs: 0,
      before: NO_CONDITIONS,
      after: NO_CONDITIONS,
    };
  });
}
