import type { Device, Run } from "@benchfarm/contracts";
import type { Tx } from "../platform/database/database.js";
import { readDevices } from "../device/device.store.js";
import { requirementOf, unmetBy } from "../device/requirement.rules.js";
import { countAhead, readNotBefore } from "./run-read.store.js";
import { whySentence, type Candidate } from "./why.rules.js";

const MAX_DEVICES = 1_000;
const MAX_LISTED = 100;

/** Why a run is where it is, with every device that was looked at, those that could serve it first. */
export async function whyRun(
  tx: Tx,
  orgId: string,
  run: Run,
  leaseMs: number,
): Promise<{ runId: string; state: Run["state"]; sentence: string; candidates: Candidate[] }> {
  const requirement = requirementOf(orgId, run);
  const devices = await readDevices(tx, orgId, leaseMs, { limit: MAX_DEVICES });
  const candidates = devices
    .map((device) => candidateOf(device, unmetBy({ ...device, orgId }, requirement)))
    .sort((a, b) => Number(a.unmet !== null) - Number(b.unmet !== null));
  const queued = run.state === "queued";
  const sentence = whySentence({
    run,
    candidates,
    ahead: queued ? await countAhead(tx, run.id) : 0,
    notBefore: queued ? await readNotBefore(tx, run.id) : null,
  });
  return {
    runId: run.id,
    state: run.state,
    sentence,
    candidates: candidates.slice(0, MAX_LISTED),
  };
}

function candidateOf(device: Device, unmet: string | null): Candidate {
  const reason = unmet ?? device.ineligibleReason;
  return { deviceId: device.id, name: device.name, reason, unmet };
}
