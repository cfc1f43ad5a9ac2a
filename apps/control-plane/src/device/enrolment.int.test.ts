import { createClient, newId, routes, type DeviceDescription } from "@benchfarm/contracts";
import { createSigner, publicKeyText } from "@benchfarm/signatures";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { startTestFarm, type TestFarm } from "../platform/testing/test-farm.js";
import { LLAMA, machineFacts } from "../result/farm-rows.fixture.js";
import { WatchDevices } from "./watch-devices.js";

let farm: TestFarm;

beforeAll(async () => {
  farm = await startTestFarm({ role: "api" });
});
afterAll(() => farm.stop());

const device = (localId: string, over: Partial<DeviceDescription> = {}): DeviceDescription => ({
  localId,
  name: `device ${localId}`,
  simulated: false,
  cooling: "as_sold",
  tags: ["bench"],
  facts: machineFacts(),
  engines: [{ ...LLAMA, backends: ["cpu"] }],
  ...over,
});

function caller(privateKey: KeyObject, keyId: string) {
  return createClient({ baseUrl: farm.url, sign: createSigner({ privateKey, keyId }) });
}

async function enrol(
  code: string,
  over: { key?: KeyObject; devices?: DeviceDescription[]; protocolVersion?: number } = {},
) {
  const key = over.key ?? generateKeyPairSync("ed25519").privateKey;
  const publicKey = publicKeyText(key);
  const reply = await caller(key, publicKey).call(routes.enrolAgent, {
    body: {
      code,
      publicKey,
      name: "rack 1",
      agentVersion: "0.1.0",
      protocolVersion: over.protocolVersion ?? 1,
      devices: over.devices ?? [device("a")],
    },
  });
  return { key, reply };
}

const codeOf = async (body: { maxDevices?: number; autoApprove?: boolean } = {}) =>
  (await farm.client.call(routes.createEnrolment, { body })).code;

const openSession = (
  { key, reply }: Awaited<ReturnType<typeof enrol>>,
  devices: DeviceDescription[] = [device("a")],
  protocolVersion = 1,
) =>
  caller(key, reply.agentId).call(routes.openSession, {
    body: { agentVersion: "0.2.0", protocolVersion, devices, attempts: [] },
  });

const read = (id: string) => farm.client.call(routes.readDevice, { params: { id } });

async function problemOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return "no problem";
}

describe("enrolment", () => {
  it("gives an agent and its devices ids, once per code", async () => {
    const code = await codeOf();
    const first = await enrol(code.toLowerCase());
    expect(first.reply.orgId).toBe(farm.orgId);
    const listed = await read(first.reply.devices[0]?.deviceId as string);
    expect(listed).toMatchObject({
      lifecycle: "active",
      health: "good",
      availability: "initializing",
      eligible: false,
      tags: ["bench"],
    });
    expect(await problemOf(enrol(code))).toBe("enrolment_code_used");
    const again = await enrol(code, { key: first.key });
    expect(again.reply).toEqual(first.reply);
    const { items } = await farm.client.call(routes.listEnrolments, { query: { limit: 1 } });
    expect(items[0]).toMatchObject({ agentId: first.reply.agentId });
    expect(JSON.stringify(items)).not.toContain(code);
  });

  it("lets exactly one of many that race for a code have it", async () => {
    const code = await codeOf();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => problemOf(enrol(code))));
    expect(outcomes.filter((o) => o === "no problem")).toHaveLength(1);
    expect(outcomes.filter((o) => o === "enrolment_code_used")).toHaveLength(7);
  });

  it("gives one key that repeats itself at once one agent", async () => {
    const code = await codeOf();
    const key = generateKeyPairSync("ed25519").privateKey;
    const replies = await Promise.all(Array.from({ length: 5 }, () => enrol(code, { key })));
    expect(new Set(replies.map((r) => r.reply.agentId)).size).toBe(1);
  });

  it("refuses what cannot be, and says what to do", async () => {
    expect(await problemOf(enrol("AAAA-BBBB-CCCC-DDDD"))).toBe("enrolment_code_unknown");
    const expired = await codeOf();
    await farm.database.prisma.enrolment.updateMany({
      where: { usedAt: null },
      data: { expiresAt: new Date(0) },
    });
    expect(await problemOf(enrol(expired))).toBe("enrolment_code_expired");
    const small = await codeOf({ maxDevices: 1 });
    expect(await problemOf(enrol(small, { devices: [device("a"), device("b")] }))).toBe("conflict");
    expect(await problemOf(enrol(small, { protocolVersion: 0 }))).toBe("agent_outdated");
    const { key } = await enrol(small);
    expect(await problemOf(enrol(await codeOf(), { key }))).toBe("conflict");
    expect(await problemOf(enrol(await codeOf(), { devices: [device("a"), device("a")] }))).toBe(
      "invalid_request",
    );
  });

  it("waits for approval where the code asks for it", async () => {
    const agent = await enrol(await codeOf({ autoApprove: false }));
    const id = agent.reply.devices[0]?.deviceId as string;
    expect(await read(id)).toMatchObject({
      lifecycle: "pending",
      ineligibleReason: "waits for an administrator's approval",
    });
    const approved = await farm.client.call(routes.updateDevice, {
      params: { id },
      body: { lifecycle: "active" },
    });
    expect(approved.lifecycle).toBe("active");
  });
});

describe("a session", () => {
  it("replaces the one before and describes devices afresh", async () => {
    const agent = await enrol(await codeOf(), { devices: [device("a"), device("gone")] });
    const first = await openSession(agent, [device("a"), device("gone")]);
    const second = await openSession(agent, [
      device("a", { facts: machineFacts({ memoryBytes: 16e9 }) }),
    ]);
    expect(second.sessionId).not.toBe(first.sessionId);
    const bound = new Map(first.devices.map((d) => [d.localId, d.deviceId]));
    expect(second.devices).toEqual([{ localId: "a", deviceId: bound.get("a") }]);
    const changed = await read(bound.get("a") as string);
    expect(changed.facts.memoryBytes).toBe(16e9);
    expect((await read(bound.get("gone") as string)).availability).toBe("unreachable");
    const poll = (sessionId: string) =>
      caller(agent.key, agent.reply.agentId).call(routes.pollWork, {
        body: { sessionId, claimId: newId("claim"), waitMs: 0, devices: [] },
      });
    expect(await problemOf(poll(first.sessionId))).toBe("session_unknown");
    expect((await poll(second.sessionId)).kind).toBe("sleep");
  });

  it("is not opened again by a captured request that is sent once more", async () => {
    const agent = await enrol(await codeOf());
    let captured: [input: Parameters<typeof fetch>[0], init: RequestInit | undefined] | null = null;
    const client = createClient({
      baseUrl: farm.url,
      sign: createSigner({ privateKey: agent.key, keyId: agent.reply.agentId }),
      fetch: (input, init) => {
        captured = [input, init];
        return fetch(input, init);
      },
    });
    const body = {
      agentVersion: "0.2.0",
      protocolVersion: 1,
      devices: [device("a")],
      attempts: [],
    };
    const { sessionId } = await client.call(routes.openSession, { body });
    const replayed = await fetch(...(captured as unknown as Parameters<typeof fetch>));
    expect(replayed.status).toBe(401);
    expect(((await replayed.json()) as { code: string }).code).toBe("signature_invalid");
    const poll = await client.call(routes.pollWork, {
      body: { sessionId, claimId: newId("claim"), waitMs: 0, devices: [] },
    });
    expect(poll.kind).toBe("sleep");
  });

  it("is refused to an agent of another time, and to another key", async () => {
    const agent = await enrol(await codeOf());
    expect(await problemOf(openSession(agent, [device("a")], 0))).toBe("agent_outdated");
    const thief = { ...agent, key: generateKeyPairSync("ed25519").privateKey };
    expect(await problemOf(openSession(thief))).toBe("signature_invalid");
  });
});

describe("a device", () => {
  it("is changed with a reason, and its history says who and why", async () => {
    const agent = await enrol(await codeOf());
    const id = agent.reply.devices[0]?.deviceId as string;
    const update = (body: object) =>
      farm.client.call(routes.updateDevice, { params: { id }, body });
    expect(await problemOf(update({ quarantine: "manual" }))).toBe("invalid_request");
    const held = await update({ quarantine: "manual", reason: "fan is loud" });
    expect(held).toMatchObject({ quarantine: "manual", quarantineReason: "fan is loud" });
    expect((await update({ quarantine: "none" })).quarantineReason).toBeNull();
    await update({ lifecycle: "retired", reason: "sold" });
    expect(await problemOf(update({ lifecycle: "active" }))).toBe("conflict");
    const { items } = await farm.client.call(routes.listDeviceEvents, { params: { id } });
    expect(items.map((e) => e.kind)).toEqual([
      "device.retired",
      "device.released",
      "device.quarantined",
      "device.enrolled",
    ]);
    expect(items[2]).toMatchObject({
      data: { reason: "fan is loud", from: { quarantine: "none" } },
    });
  });

  it("is unreachable when its agent falls silent, and back with the agent's word", async () => {
    const agent = await enrol(await codeOf());
    const id = agent.reply.devices[0]?.deviceId as string;
    const session = await openSession(agent);
    const poll = () =>
      caller(agent.key, agent.reply.agentId).call(routes.pollWork, {
        body: {
          sessionId: session.sessionId,
          claimId: newId("claim"),
          waitMs: 0,
          devices: [{ deviceId: id, availability: "ready", conditions: null, freeDiskBytes: 5e9 }],
        },
      });
    await poll();
    expect(await read(id)).toMatchObject({ availability: "ready", eligible: true });
    await farm.database.prisma.agent.update({
      where: { id: agent.reply.agentId },
      data: { lastSeenAt: new Date(0) },
    });
    expect((await read(id)).ineligibleReason).toMatch(/offline/);
    expect(await farm.app.get(WatchDevices).markSilent()).toBeGreaterThanOrEqual(1);
    expect((await read(id)).availability).toBe("unreachable");
    await poll();
    expect(await read(id)).toMatchObject({ availability: "ready", eligible: true });
  });

  it("of another org is not there", async () => {
    const other = await farm.client.call(routes.createOrg, {
      body: { slug: "other-lab", name: "Other lab" },
    });
    const agent = await enrol(await codeOf());
    const id = agent.reply.devices[0]?.deviceId as string;
    const stranger = farm.clientWith(other.apiKey.secret);
    expect(await problemOf(stranger.call(routes.readDevice, { params: { id } }))).toBe("not_found");
    expect((await stranger.call(routes.listDevices, {})).items).toEqual([]);
  });
});
