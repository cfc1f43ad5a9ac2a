import { newId, Problem, type DeviceDescription } from "@benchfarm/contracts";
import { recordEvent } from "../platform/events.store.js";
import type { Tx } from "../platform/database/database.js";
import { insertAgent, readAgentByKey } from "./agent.store.js";
import { describeDevices, type DescribedBinding } from "./describe-devices.js";
import { protocolFault } from "./device.rules.js";
import { readBindings } from "./device.store.js";
import { enrolmentCodeDigest, judgeEnrolment } from "./enrolment.rules.js";
import { lockEnrolment, markEnrolmentUsed } from "./enrolment.store.js";

export interface EnrolledAgent {
  agentId: string;
  orgId: string;
  devices: DescribedBinding[];
}

/**
 * Exchanges a one-time code for the registration of a public key, in one transaction: one key per code, whoever comes first. The same
 * key gets the same answer again. Throws `enrolment_code_unknown`, `enrolment_code_used`, `enrolment_code_expired`, `agent_outdated`,
 * `conflict`, `invalid_request`.
 */
export async function enrolAgent(
  tx: Tx,
  request: {
    code: string;
    publicKey: string;
    name: string;
    agentVersion: string;
    protocolVersion: number;
    devices: DeviceDescription[];
  },
): Promise<EnrolledAgent> {
  const fault = protocolFault(request.protocolVersion);
  if (fault !== null) throw new Problem("agent_outdated", fault);
  const enrolment = await lockEnrolment(tx, enrolmentCodeDigest(request.code));
  if (enrolment === null) {
    throw new Problem(
      "enrolment_code_unknown",
      "check the code for typing errors; `benchfarm enrol` makes a new one",
    );
  }
  const verdict = judgeEnrolment(enrolment, request.publicKey, request.devices.length);
  switch (verdict) {
    case "repeat": {
      const agentId = enrolment.agentId as string;
      return { agentId, orgId: enrolment.orgId, devices: await readBindings(tx, agentId) };
    }
    case "used":
      throw new Problem(
        "enrolment_code_used",
        "each code is good for one agent; `benchfarm enrol` makes a new one",
      );
    case "expired":
      throw new Problem(
        "enrolment_code_expired",
        "codes live an hour at most; `benchfarm enrol` makes a new one",
      );
    case "too_many_devices":
      throw new Problem(
        "conflict",
        `the code allows ${enrolment.maxDevices} devices and the agent brings ${request.devices.length}; make a code with a larger maxDevices`,
      );
    case "exchange":
      break;
  }
  if ((await readAgentByKey(tx, request.publicKey)) !== null) {
    throw new Problem(
      "conflict",
      "this agent's key is enrolled already: start the agent without a code, or give it a new data folder to enrol it again",
    );
  }
  const agent = {
    id: newId("agent"),
    orgId: enrolment.orgId,
    name: request.name,
    publicKey: request.publicKey,
    enrolmentId: enrolment.id,
    autoApprove: enrolment.autoApprove,
    maxDevices: enrolment.maxDevices,
    agentVersion: request.agentVersion,
    protocolVersion: request.protocolVersion,
  };
  await insertAgent(tx, agent);
  await markEnrolmentUsed(tx, enrolment.id, agent.id);
  await recordEvent(tx, {
    orgId: agent.orgId,
    kind: "agent.enrolled",
    subjectKind: "agent",
    subjectId: agent.id,
    actor: agent.id,
    data: { enrolmentId: enrolment.id, name: agent.name },
  });
  const { bindings } = await describeDevices(tx, agent, request.devices);
  return { agentId: agent.id, orgId: agent.orgId, devices: bindings };
}
