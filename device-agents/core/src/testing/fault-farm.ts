import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AGENT_PROTOCOL_VERSION,
  newId,
  PROBLEMS,
  Problem,
  routes,
  WorkloadSpec,
  type Assignment,
  type ProblemCode,
  type RouteBody,
} from "@benchfarm/contracts";
import { verifySignature } from "@benchfarm/signatures";
import { systemClock } from "../clock.js";

/** What a test does to one call: answer with a problem, cut the line before or after the call took effect, or wait. */
export type Fault =
  | { kind: "problem"; code: ProblemCode }
  | { kind: "status"; status: number }
  | { kind: "drop_request" }
  | { kind: "drop_reply" }
  | { kind: "cut_body_after"; bytes: number };

type CallName =
  | "enrolAgent"
  | "openSession"
  | "pollWork"
  | "acceptAttempt"
  | "heartbeat"
  | "submitResult"
  | "endAttempt"
  | "fetchArtifact";

export interface Call {
  name: CallName;
  id: string | null;
  body: unknown;
  headers: IncomingMessage["headers"];
}

/**
 * The control plane's side of the agent protocol over real HTTP, for fault injection: it checks signatures and bodies as the contract
 * says, hands out the offers it is given, and does what a test asks of single calls. It stores nothing and decides nothing.
 */
export class FaultFarm {
  readonly calls: Call[] = [];
  readonly offers: Assignment[] = [];
  readonly artifacts = new Map<string, Uint8Array>();
  readonly results: { attemptId: string; body: RouteBody<typeof routes.submitResult> }[] = [];
  readonly ends: { attemptId: string; body: RouteBody<typeof routes.endAttempt> }[] = [];
  heartbeatAnswer = { held: true, mustStop: false, reason: null as string | null };
  directives: { attemptId: string; directive: "keep" | "send_result" | "stop"; reason: string }[] =
    [];
  timers = { pollWaitMs: 50, offerMs: 2_000, heartbeatMs: 40, leaseMs: 500, maxQuietMs: 5_000 };
  deviceIds = new Map<string, string>();
  private keys = new Map<string, string>();
  private faults: { name: CallName; fault: Fault; times: number }[] = [];
  private readonly watchers: (() => void)[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error));
      });
    });
  }

  static async start(port = 0): Promise<FaultFarm> {
    const farm = new FaultFarm();
    await new Promise<void>((resolve) => farm.server.listen(port, "127.0.0.1", resolve));
    return farm;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The next `times` calls of a route meet this fault. */
  inject(name: CallName, fault: Fault, times = 1): void {
    this.faults.push({ name, fault, times });
  }

  callsOf(name: CallName): Call[] {
    return this.calls.filter((call) => call.name === name);
  }

  /** Resolves as soon as the condition holds; looked at after each call. */
  async until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`no ${what} within ${withinMs} ms`)),
        withinMs,
      );
      this.watchers.push(() => {
        if (!holds()) return;
        clearTimeout(late);
        resolve();
      });
    });
  }

  /** An offer for a device that has a session, with the fake engine unless told otherwise. */
  offer(
    localId: string,
    over: Partial<Assignment> & { workload?: Assignment["workload"] } = {},
  ): Assignment {
    const bytes = new TextEncoder().encode("model");
    const sha256 = "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4";
    this.artifacts.set(sha256, bytes);
    const assignment: Assignment = {
      attemptId: newId("attempt"),
      runId: newId("run"),
      deviceId: this.deviceIds.get(localId) ?? newId("device"),
      localId,
      epoch: 1,
      claimId: newId("claim"),
      offerUntil: "2026-01-01T00:00:00.000Z",
      engine: { adapter: "fake", version: null },
      backend: "cpu",
      workload: WorkloadSpec.parse({ promptTokens: 8, generatedTokens: 0, repetitions: 3 }),
      artifact: {
        sha256,
        sizeBytes: bytes.byteLength,
        fileName: "m.gguf",
        modelName: "M",
        quantName: "Q4_0",
        source: { kind: "file", fileName: "m.gguf" },
      },
      limits: { prepareMs: 10_000, gateMs: 500, measureMs: 20_000, repetitionMs: 10_000 },
      ...over,
    };
    this.offers.push(assignment);
    return assignment;
  }

  private takeFault(name: CallName): Fault | null {
    const found = this.faults.find((fault) => fault.name === name && fault.times > 0);
    if (found === undefined) return null;
    found.times -= 1;
    return found.fault;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const raw = Buffer.concat(chunks);
    const target = request.url ?? "/";
    const { name, id } = routeOf(request.method ?? "", target);
    const fault = this.takeFault(name);
    if (fault?.kind === "drop_request") {
      request.socket.destroy();
      return;
    }
    if (fault?.kind === "status") {
      response.writeHead(fault.status).end("not a farm");
      return;
    }
    try {
      if (fault?.kind === "problem") throw new Problem(fault.code, `injected ${fault.code}`);
      const body = raw.length === 0 ? undefined : (JSON.parse(raw.toString("utf8")) as unknown);
      if (name === "enrolAgent") {
        const { publicKey } = routes.enrolAgent.body!.parse(body);
        this.keys.set(publicKey, publicKey);
      }
      const { keyId } = await verifySignature(
        { method: request.method ?? "", target, headers: request.headers, body: raw },
        { lookupKey: (key) => this.keys.get(key) ?? null, nowMs: systemClock.wallMs() },
      ).catch((error: Error) => {
        throw new Problem("signature_invalid", error.message);
      });
      this.calls.push({ name, id, body, headers: request.headers });
      if (name === "fetchArtifact") {
        this.sendArtifact(request, response, id ?? "", fault);
        return;
      }
      const reply = await this.reply(name, id ?? "", body, keyId);
      if (fault?.kind === "drop_reply") request.socket.destroy();
      else {
        response.writeHead(routes[name].status, { "content-type": "application/json" });
        response.end(JSON.stringify(reply));
      }
    } catch (error) {
      const problem =
        error instanceof Problem ? error : new Problem("invalid_request", String(error));
      response.writeHead(PROBLEMS[problem.code].status, {
        "content-type": "application/problem+json",
      });
      response.end(JSON.stringify(problem.toBody()));
    } finally {
      for (const watch of this.watchers) watch();
    }
  }

  private async reply(name: CallName, id: string, body: unknown, keyId: string): Promise<unknown> {
    switch (name) {
      case "enrolAgent": {
        const agentId = newId("agent");
        this.keys.set(agentId, keyId);
        const { devices } = routes.enrolAgent.body!.parse(body);
        return { agentId, orgId: newId("org"), devices: this.bind(devices) };
      }
      case "openSession": {
        const { devices, protocolVersion } = routes.openSession.body!.parse(body);
        if (protocolVersion !== AGENT_PROTOCOL_VERSION) throw new Problem("agent_outdated", "old");
        return {
          sessionId: newId("claim"),
          serverTime: new Date(systemClock.wallMs()).toISOString(),
          timers: this.timers,
          devices: this.bind(devices),
          attempts: this.directives,
        };
      }
      case "pollWork": {
        const { claimId, waitMs } = routes.pollWork.body!.parse(body);
        const assignment = this.offers.shift();
        if (assignment !== undefined)
          return { kind: "offer", assignment: { ...assignment, claimId } };
        await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, 50)));
        return { kind: "nothing", retryAfterMs: 0 };
      }
      case "acceptAttempt":
        routes.acceptAttempt.body!.parse(body);
        return {
          leaseUntil: new Date(systemClock.wallMs()).toISOString(),
          leaseMs: this.timers.leaseMs,
        };
      case "heartbeat": {
        const { attempts } = routes.heartbeat.body!.parse(body);
        return {
          attempts: attempts.map(({ attemptId }) => ({
            attemptId,
            leaseUntil: null,
            ...this.heartbeatAnswer,
          })),
        };
      }
      case "submitResult": {
        const submitted = routes.submitResult.body!.parse(body);
        this.results.push({ attemptId: id, body: submitted });
        return { resultId: submitted.result.resultId, canonical: true, fenced: false };
      }
      case "endAttempt":
        this.ends.push({ attemptId: id, body: routes.endAttempt.body!.parse(body) });
        return { ended: true };
      case "fetchArtifact":
        throw new Problem("internal", "unreachable");
    }
  }

  private bind(devices: { localId: string }[]): { localId: string; deviceId: string }[] {
    return devices.map(({ localId }) => {
      const deviceId = this.deviceIds.get(localId) ?? newId("device");
      this.deviceIds.set(localId, deviceId);
      return { localId, deviceId };
    });
  }

  private sendArtifact(
    request: IncomingMessage,
    response: ServerResponse,
    sha256: string,
    fault: Fault | null,
  ): void {
    const bytes = this.artifacts.get(sha256);
    if (bytes === undefined) throw new Problem("not_found", "no such artifact");
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const part = bytes.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-type": "application/octet-stream",
      "content-length": part.byteLength,
      ...(from > 0
        ? { "content-range": `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}` }
        : {}),
    });
    if (fault?.kind === "cut_body_after") {
      response.write(part.subarray(0, fault.bytes), () => request.socket.destroy());
    } else {
      response.end(part);
    }
  }
}

function routeOf(method: string, target: string): { name: CallName; id: string | null } {
  const path = target.split("?")[0] ?? "";
  for (const [name, route] of Object.entries(routes)) {
    if (route.method !== method || !route.path.startsWith("/agent/")) continue;
    const match = new RegExp(`^${route.path.replace(/\{\w+\}/, "([^/]+)")}$`).exec(path);
    if (match !== null) return { name: name as CallName, id: match[1] ?? null };
  }
  throw new Error(`no route ${method} ${path}`);
}
