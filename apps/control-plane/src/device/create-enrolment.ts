import { randomInt } from "node:crypto";
import { newId, type Enrolment } from "@benchfarm/contracts";
import { recordEvent } from "../platform/events.store.js";
import type { Tx } from "../platform/database/database.js";
import { enrolmentCodeDigest, newEnrolmentCode } from "./enrolment.rules.js";
import { insertEnrolment } from "./enrolment.store.js";

/** Makes a one-time code for one agent. The code itself is in the reply only; the farm keeps its digest. */
export async function createEnrolment(
  tx: Tx,
  orgId: string,
  actor: string,
  wanted: {
    name?: string | undefined;
    validForSeconds: number;
    maxDevices: number;
    autoApprove: boolean;
  },
): Promise<{ enrolment: Enrolment; code: string }> {
  const code = newEnrolmentCode((below) => randomInt(below));
  const { validForSeconds, maxDevices, autoApprove } = wanted;
  const enrolment = await insertEnrolment(tx, {
    id: newId("enrolment"),
    orgId,
    name: wanted.name ?? null,
    codeDigest: enrolmentCodeDigest(code),
    maxDevices,
    autoApprove,
    validForSeconds,
  });
  await recordEvent(tx, {
    orgId,
    kind: "enrolment.created",
    subjectKind: "enrolment",
    subjectId: enrolment.id,
    actor,
    data: { maxDevices, autoApprove },
  });
  return { enrolment, code };
}
