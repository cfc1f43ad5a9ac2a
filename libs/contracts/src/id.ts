import { v7 as uuidv7 } from "uuid";
import { z } from "zod";

/** The prefix of every identifier, one per kind of row; the prefix makes a wrong id visible in a log and in a URL. */
export const ID_PREFIXES = {
  org: "org",
  apiKey: "key",
  sku: "sku",
  model: "mdl",
  quant: "qnt",
  engine: "eng",
  workload: "wkl",
  device: "dev",
  agent: "agt",
  enrolment: "enr",
  sweep: "swp",
  run: "run",
  attempt: "att",
  claim: "clm",
  result: "res",
  event: "evt",
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

/** A new identifier: the kind's prefix, `_`, and a UUID version 7 (RFC 9562) in 32 hex digits, so ids sort by creation time. */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${uuidv7().replaceAll("-", "")}`;
}

/** The zod schema of one kind of identifier. */
export function idSchema(kind: IdKind) {
  return z.string().regex(new RegExp(`^${ID_PREFIXES[kind]}_[0-9a-f]{32}$`), {
    message: `expected an id such as ${ID_PREFIXES[kind]}_ followed by 32 hex digits`,
  });
}

/** A file's identity everywhere: lower-case hex SHA-256 of its bytes. */
export const Sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { message: "expected 64 lower-case hex digits of a SHA-256" });

/** An instant: RFC 3339 in UTC with milliseconds, from the database's clock unless a field says otherwise. */
export const Instant = z.iso.datetime();
