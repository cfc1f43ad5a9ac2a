import { Problem, type Scope } from "@benchfarm/contracts";

/** Who is calling, proven. `actor` is how events name it. */
export type Principal =
  | { kind: "apiKey"; orgId: string; keyId: string; scopes: readonly Scope[]; actor: string }
  | { kind: "anonymous"; orgId: string; actor: "anonymous" }
  /** `nonce` is the signature's own: equal ones are the same request sent again. */
  | { kind: "agent"; orgId: string; agentId: string; nonce: string; actor: string }
  /** Holds the private half of the public key in the request's body; its code is still to be checked. */
  | { kind: "enrolment"; publicKey: string; actor: "enrolment" }
  | { kind: "public"; actor: "public" };

/** The org whose rows a call is about; every query takes it. Throws `unauthenticated` for a caller without an org. */
export function orgOf(call: { principal: Principal }): string {
  if ("orgId" in call.principal) return call.principal.orgId;
  throw new Problem("unauthenticated", "this caller belongs to no org");
}

/** The nonce of the agent's signature over this call. Throws `signature_invalid` when no agent signed it. */
export function signatureNonceOf(call: { principal: Principal }): string {
  if (call.principal.kind === "agent") return call.principal.nonce;
  throw new Problem("signature_invalid", "only an enrolled agent may call this");
}

/** The agent that signed the call. Throws `signature_invalid` when no agent did. */
export function agentOf(call: { principal: Principal }): string {
  if (call.principal.kind === "agent") return call.principal.agentId;
  throw new Problem("signature_invalid", "only an enrolled agent may call this");
}
