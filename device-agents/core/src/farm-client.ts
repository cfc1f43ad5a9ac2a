import type { KeyObject } from "node:crypto";
import { createClient, type Client } from "@benchfarm/contracts";
import { createSigner } from "@benchfarm/signatures";
import type { Clock } from "./clock.js";

/** A clock further off than this would come near the tolerance of signatures. */
const WORTHWHILE_SKEW_MS = 30_000;

/**
 * A client that signs each request with the agent's key. It reads the farm's clock from replies, so that a machine with a wrong
 * clock can sign too; the farm's own check of the time stays as strict as it is.
 */
export function createFarmClient(options: {
  url: string;
  privateKey: KeyObject;
  keyId: string;
  clock: Clock;
  fetch?: typeof fetch;
}): Client {
  const send = options.fetch ?? fetch;
  let skewMs = 0;
  return createClient({
    baseUrl: options.url,
    sign: createSigner({
      privateKey: options.privateKey,
      keyId: options.keyId,
      stripPath: new URL(options.url).pathname,
      nowMs: () => options.clock.wallMs() + skewMs,
    }),
    fetch: async (input, init) => {
      const response = await send(input, init);
      const farmMs = Date.parse(response.headers.get("date") ?? "");
      const difference = farmMs - options.clock.wallMs();
      if (Number.isFinite(difference)) {
        skewMs = Math.abs(difference) > WORTHWHILE_SKEW_MS ? difference : 0;
      }
      return response;
    },
  });
}
