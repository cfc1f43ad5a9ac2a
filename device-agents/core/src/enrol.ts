import {
  AGENT_PROTOCOL_VERSION,
  routes,
  type DeviceDescription,
  type RouteReply,
} from "@benchfarm/contracts";
import { publicKeyText } from "@benchfarm/signatures";
import { AGENT_VERSION } from "./agent-version.js";
import { systemClock, type Clock } from "./clock.js";
import type { DeviceHost } from "./device-host.js";
import { createFarmClient } from "./farm-client.js";
import { ensureKey, readRegistration, writeRegistration, type Registration } from "./identity.js";

export interface EnrolOptions {
  url: string;
  /** The one-time code of an enrolment. */
  code: string;
  /** The agent's own folder; made when missing. */
  folder: string;
  hosts: readonly DeviceHost[];
  name: string;
  clock?: Clock;
  fetch?: typeof fetch;
}

/**
 * Exchanges a one-time code for the registration of this agent's own key; the private half stays in the folder. A lost reply may be
 * repeated with the same code and folder. Throws ServerProblem for a code that is unknown, used or expired, and UnreachableError.
 */
export async function enrolAgent(options: EnrolOptions): Promise<Registration> {
  const clock = options.clock ?? systemClock;
  const privateKey = await ensureKey(options.folder);
  const publicKey = publicKeyText(privateKey);
  const devices: DeviceDescription[] = [];
  for (const host of options.hosts) devices.push((await host.describe()).device);
  const client = createFarmClient({
    url: options.url,
    privateKey,
    keyId: publicKey,
    clock,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  const reply: RouteReply<typeof routes.enrolAgent> = await client.call(routes.enrolAgent, {
    body: {
      code: options.code,
      publicKey,
      name: options.name,
      agentVersion: AGENT_VERSION,
      protocolVersion: AGENT_PROTOCOL_VERSION,
      devices,
    },
  });
  const registration = {
    url: options.url,
    agentId: reply.agentId,
    orgId: reply.orgId,
    name: options.name,
  };
  await writeRegistration(options.folder, registration);
  return registration;
}

/** Whether the folder holds an enrolled agent of this farm. */
export async function isEnrolled(folder: string, url: string): Promise<boolean> {
  const registration = await readRegistration(folder);
  return registration !== null && sameFarm(registration.url, url);
}

const sameFarm = (a: string, b: string) => a.replace(/\/+$/, "") === b.replace(/\/+$/, "");
