import { z } from "zod";
import { idSchema, Instant } from "./id.js";

/** What an API key may do. A route names exactly one scope; `org:admin` implies every other scope within its org. */
export const Scope = z
  .enum([
    "org:admin",
    "catalogue:read",
    "catalogue:write",
    "device:read",
    "device:write",
    "run:read",
    "run:write",
    "sweep:read",
    "sweep:write",
    "result:read",
    "matrix:read",
  ])
  .meta({ id: "Scope" });
export type Scope = z.infer<typeof Scope>;

export const Org = z
  .object({ id: idSchema("org"), slug: z.string(), name: z.string(), createdAt: Instant })
  .meta({ id: "Org" });
export type Org = z.infer<typeof Org>;

export const CreateOrg = z
  .object({
    slug: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
      message: "use lower-case letters, digits and dashes, at most 63",
    }),
    name: z.string().min(1).max(200),
  })
  .meta({ id: "CreateOrg" });

/** A new org comes with its first key, an `org:admin` key; the secret is shown this once. */
export const CreatedOrg = z
  .object({ org: Org, apiKey: z.lazy(() => CreatedApiKey) })
  .meta({ id: "CreatedOrg" });

export const ApiKey = z
  .object({
    id: idSchema("apiKey"),
    name: z.string(),
    scopes: z.array(Scope),
    createdAt: Instant,
    lastUsedAt: Instant.nullable(),
    revokedAt: Instant.nullable(),
  })
  .meta({ id: "ApiKey" });
export type ApiKey = z.infer<typeof ApiKey>;

export const CreateApiKey = z
  .object({ name: z.string().min(1).max(200), scopes: z.array(Scope).min(1) })
  .meta({ id: "CreateApiKey" });

export const CreatedApiKey = z
  .object({
    apiKey: ApiKey,
    /** `bf_` and 43 base64url characters; only its SHA-256 is stored. */
    secret: z.string(),
  })
  .meta({ id: "CreatedApiKey" });
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;
