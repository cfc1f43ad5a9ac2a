import type { Scope } from "@benchfarm/contracts";

export interface VerifiedApiKey {
  keyId: string;
  orgId: string;
  scopes: readonly Scope[];
}

/** Where API keys are; provided by the org slice. */
export abstract class ApiKeys {
  /** The live key with this secret, or null. */
  abstract verify(secret: string): Promise<VerifiedApiKey | null>;
  /** The org that anybody may read, or null. */
  abstract anonymousOrgId(): Promise<string | null>;
}
