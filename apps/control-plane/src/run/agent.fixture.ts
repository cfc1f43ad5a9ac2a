import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  AGENT_PROTOCOL_VERSION,
  createClient,
  DeviceDescription,
  newId,
  routes,
  type Assignment,
  type AttemptEndReason,
  type AttemptPhase,
  type Client,
  type DeviceAvailability,
  type ResultSubmission,
  type RouteReply,
} from "@benchfarm/contracts";
import { createSigner, publicKeyText } from "@benchfarm/signatures";
import type { TestFarm } from "../platform/testing/test-farm.js";
import { DECODE, FarmRows, LLAMA, machineFacts, submission } from "../result/farm-rows.fixture.js";

/** A device as an agent describes it, with llama.cpp on the CPU. */
export function description(over: Partial<DeviceDescription> = {}): DeviceDescription {
  return DeviceDescription.parse({
    localId: "local-1",
    name: "bench laptop",
    facts: machineFacts(),
    engines: [{ ...LLAMA, backends: ["cpu"] }],
    ...over,
  });
}

type Report = { attemptId: string; epoch: number; phase: AttemptPhase; hasResult: boolean };

/** An agent over HTTP that does exactly what a test says, and nothing else. */
export class TestAgent {
  readonly privateKey: KeyObject = generateKeyPairSync("ed25519").privateKey;
  agentId = "";
  sessionId = "";
  deviceIds: string[] = [];

  constructor(
    public url: string,
    readonly devices: DeviceDescription[] = [description()],
  ) {}

  get publicKey(): string {
    return publicKeyText(this.privateKey);
  }

  client(keyId = this.agentId): Client {
    const sign = createSigner({ privateKey: this.privateKey, keyId });
    return createClient({ baseUrl: this.url, sign });
  }

  async enrol(code: string, over: { protocolVersion?: number } = {}) {
    const reply = await this.client(this.publicKey).call(routes.enrolAgent, {
      body: {
        code,
        publicKey: this.publicKey,
        name: "test agent",
        agentVersion: "0.1.0",
        protocolVersion: over.protocolVersion ?? AGENT_PROTOCOL_VERSION,
        devices: this.devices,
      },
    });
    this.agentId = reply.agentId;
    this.deviceIds = reply.devices.map((d) => d.deviceId);
    return reply;
  }

  async openSession(attempts: Report[] = [], over: { protocolVersion?: number } = {}) {
    const reply = await this.client().call(routes.openSession, {
      body: {
        agentVersion: "0.1.0",
        protocolVersion: over.protocolVersion ?? AGENT_PROTOCOL_VERSION,
        devices: this.devices,
        attempts,
      },
    });
    this.sessionId = reply.sessionId;
    this.deviceIds = reply.devices.map((d) => d.deviceId);
    return reply;
  }

  poll(
    over: {
      claimId?: string;
      waitMs?: number;
      availability?: DeviceAvailability;
      signal?: AbortSignal;
    } = {},
  ): Promise<RouteReply<typeof routes.pollWork>> {
    return this.client().call(routes.pollWork, {
      body: {
        sessionId: this.sessionId,
        claimId: over.claimId ?? newId("claim"),
        waitMs: over.waitMs ?? 0,
        devices: this.deviceIds.map((deviceId) => ({
          deviceId,
          availability: over.availability ?? "ready",
          conditions: null,
          freeDiskBytes: null,
        })),
      },
      ...(over.signal === undefined ? {} : { signal: over.signal }),
    });
  }

  /** Polls and expects an offer. */
  async claim(over: Parameters<TestAgent["poll"]>[0] = {}): Promise<Assignment> {
    const reply = await this.poll(over);
    if (reply.kind !== "offer") throw new Error(`expected an offer, got ${JSON.stringify(reply)}`);
    return reply.assignment;
  }

  accept(offer: Assignment, epoch = offer.epoch, claimId = offer.claimId) {
    return this.client().call(routes.acceptAttempt, {
      params: { id: offer.attemptId },
      body: { epoch, claimId },
    });
  }

  /** Claims and accepts. */
  async take(): Promise<Assignment> {
    const offer = await this.claim();
    await this.accept(offer);
    return offer;
  }

  async beat(
    offer: Assignment,
    over: { epoch?: number; phase?: AttemptPhase; quietMs?: number } = {},
  ) {
    const reply = await this.client().call(routes.heartbeat, {
      body: {
        sessionId: this.sessionId,
        attempts: [
          {
            attemptId: offer.attemptId,
            epoch: over.epoch ?? offer.epoch,
            phase: over.phase ?? "measuring",
            quietMs: over.quietMs ?? 0,
            progress: { repetition: 1, repetitions: 5 },
          },
        ],
        devices: [],
      },
    });
    return reply.attempts[0] as (typeof reply.attempts)[number];
  }

  submit(offer: Assignment, result: ResultSubmission, epoch = offer.epoch) {
    return this.client().call(routes.submitResult, {
      params: { id: offer.attemptId },
      body: { epoch, result },
    });
  }

  end(offer: Assignment, endReason: AttemptEndReason, epoch = offer.epoch) {
    return this.client().call(routes.endAttempt, {
      params: { id: offer.attemptId },
      body: { epoch, endReason, detail: "said the test" },
    });
  }

  sync(attempts: Report[]) {
    return this.client().call(routes.syncAttempts, {
      body: { sessionId: this.sessionId, attempts },
    });
  }
}

/** What an agent submits for this assignment, good unless changed. */
export function resultFor(
  offer: Assignment,
  over: Partial<ResultSubmission> = {},
): ResultSubmission {
  return submission(offer.workload, offer.artifact.sha256, over);
}

/** A failed one. */
export function failureFor(
  offer: Assignment,
  code: NonNullable<ResultSubmission["failure"]>["code"],
): ResultSubmission {
  const failure = { code, message: `because ${code}`, exitCode: null, signal: null };
  return resultFor(offer, { failure, samples: [] });
}

/** A quant and a workload to ask for, in the farm's own org. */
export async function seedCatalogue(
  farm: Pick<TestFarm, "database" | "orgId">,
): Promise<{ quantId: string; sha256: string; workloadId: string }> {
  const rows = new FarmRows(farm.database, farm.orgId);
  const quant = await rows.quant(await rows.model(newId("model")), "Q4_0");
  const workload = await rows.workload(DECODE);
  return { quantId: quant.id, sha256: quant.sha256, workloadId: workload.id };
}

/** A fresh agent with an open session. */
export async function newAgent(
  farm: Pick<TestFarm, "client" | "url">,
  devices?: DeviceDescription[],
): Promise<TestAgent> {
  const agent = new TestAgent(farm.url, devices);
  const { code } = await farm.client.call(routes.createEnrolment, { body: {} });
  await agent.enrol(code);
  await agent.openSession();
  return agent;
}

/** The code of the problem that a call is answered with; fails when it succeeds. */
export async function problemOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return "no problem";
}
