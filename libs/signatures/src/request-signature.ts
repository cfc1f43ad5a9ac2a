import { randomBytes, sign, verify, type KeyObject } from "node:crypto";
import { httpbis } from "http-message-signatures";
import { contentDigest, contentDigestMatches } from "./content-digest.js";
import { publicKeyFromText } from "./key-text.js";

const ALGORITHM = "ed25519";
/** Proxies rewrite scheme and authority, so neither is signed; method, path, query and body are. */
const COMPONENTS = ["@method", "@path", "@query"];
const BODY_COMPONENTS = [...COMPONENTS, "content-digest"];
const PARAMETERS = ["created", "nonce", "keyid", "alg"];

/** A request whose final bytes are known. */
export interface SignableRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface SignerOptions {
  /** Ed25519 private key. */
  privateKey: KeyObject;
  /** The agent's id; while enrolling, the public key's text. */
  keyId: string;
  /** A path that a proxy takes off before the control plane sees the request, such as `/benchfarm`; it is not signed. */
  stripPath?: string;
  /** Milliseconds since 1970 by the clock to sign with; the machine's own when absent. */
  nowMs?: () => number;
}

/** Headers to add to a request; equal input gives other headers each time, since the nonce is fresh. */
export type RequestSigner = (request: SignableRequest) => Promise<Record<string, string>>;

/**
 * A signer by RFC 9421 (label `sig`, Ed25519) over `@method`, `@path`, `@query` and, for a request with a body, the
 * `content-digest` of RFC 9530, with the parameters created, nonce, keyid and alg. Its replies fit the `sign` option of the
 * contracts' client.
 */
export function createSigner(options: SignerOptions): RequestSigner {
  const strip = (options.stripPath ?? "").replace(/\/+$/, "");
  return async ({ method, url, body }) => {
    const target = new URL(url.href);
    if (strip !== "" && target.pathname.startsWith(`${strip}/`)) {
      target.pathname = target.pathname.slice(strip.length);
    }
    const digest: Record<string, string> =
      body === undefined ? {} : { "content-digest": contentDigest(body) };
    const signed = await httpbis.signMessage(
      {
        key: {
          id: options.keyId,
          alg: ALGORITHM,
          sign: async (data) => sign(null, data as Uint8Array, options.privateKey),
        },
        fields: body === undefined ? COMPONENTS : BODY_COMPONENTS,
        params: PARAMETERS,
        paramValues: {
          nonce: randomBytes(18).toString("base64url"),
          ...(options.nowMs === undefined ? {} : { created: new Date(options.nowMs()) }),
        },
      },
      { method, url: target, headers: digest },
    );
    return {
      ...digest,
      "signature-input": String(signed.headers["Signature-Input"]),
      signature: String(signed.headers["Signature"]),
    };
  };
}

/** Why a signature was refused. */
export type SignatureFault =
  | "missing"
  | "malformed"
  | "incomplete"
  | "unknown_key"
  | "clock_skew"
  | "digest_mismatch"
  | "wrong";

/** A request that does not prove who sent it; `message` says what to do. */
export class SignatureError extends Error {
  readonly fault: SignatureFault;

  constructor(fault: SignatureFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SignatureError";
    this.fault = fault;
  }
}

export interface SignedRequest {
  method: string;
  /** Path and query exactly as received, such as `/agent/v1/poll?x=1`. */
  target: string;
  /** Header names in lower case, as Node gives them. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The raw body; undefined or empty when there is none. */
  body: Uint8Array | string | undefined;
}

export interface VerifyOptions {
  /** The public key's text (43 base64url characters) for a key id, or null when there is none. */
  lookupKey: (keyId: string) => Promise<string | null> | string | null;
  /** Milliseconds since 1970 by the verifier's clock. */
  nowMs: number;
  /** How far `created` may be from `nowMs`, either way. */
  toleranceSeconds?: number;
}

/** What a verified signature proves. A verifier that must refuse replays remembers `nonce` until `createdAtMs` + tolerance. */
export interface VerifiedSignature {
  keyId: string;
  nonce: string;
  createdAtMs: number;
}

/**
 * Verifies what `createSigner` made. Guarantees that the holder of `keyId`'s private key sent this method, path, query and body
 * within the tolerance. Throws SignatureError with the fault otherwise; a failing `lookupKey` is thrown as it is.
 */
export async function verifySignature(
  request: SignedRequest,
  options: VerifyOptions,
): Promise<VerifiedSignature> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined,
    ),
  );
  if (headers["signature-input"] === undefined || headers["signature"] === undefined) {
    throw new SignatureError(
      "missing",
      "the request carries no Signature and Signature-Input header; agents sign each request with their own key",
    );
  }
  const body = request.body === undefined || request.body.length === 0 ? undefined : request.body;
  const digestHeader = headers["content-digest"];
  if (body !== undefined || digestHeader !== undefined) {
    if (digestHeader === undefined || !contentDigestMatches(String(digestHeader), body ?? "")) {
      throw new SignatureError(
        "digest_mismatch",
        "the Content-Digest header (sha-256) is not that of the body received; send the bytes that were signed",
      );
    }
  }

  let verified: VerifiedSignature | undefined;
  let seen = 0;
  // A failing look-up must not pass for a bad signature.
  let lookupFailure: { error: unknown } | undefined;
  try {
    const ok = await httpbis.verifyMessage(
      {
        notAfter: Number.POSITIVE_INFINITY,
        requiredParams: PARAMETERS,
        requiredFields: body === undefined ? COMPONENTS : BODY_COMPONENTS,
        keyLookup: async (parameters) => {
          seen += 1;
          if (seen > 1) throw new SignatureError("malformed", "send exactly one signature");
          const { keyid: keyId, nonce, created, alg } = parameters;
          if (
            typeof keyId !== "string" ||
            typeof nonce !== "string" ||
            !(created instanceof Date) ||
            alg !== ALGORITHM
          ) {
            throw new SignatureError(
              "incomplete",
              'the signature needs the parameters created, nonce, keyid and alg="ed25519"',
            );
          }
          let text: string | null;
          try {
            text = await options.lookupKey(keyId);
          } catch (error) {
            lookupFailure = { error };
            throw error;
          }
          if (text === null) {
            throw new SignatureError(
              "unknown_key",
              "no agent is known by the signature's keyid; enrol this agent again",
            );
          }
          const publicKey = publicKeyFromText(text);
          verified = { keyId, nonce, createdAtMs: created.getTime() };
          return {
            id: keyId,
            algs: [ALGORITHM],
            verify: async (data, signature) =>
              verify(null, data as Uint8Array, publicKey, signature as Uint8Array),
          };
        },
      },
      { method: request.method, url: new URL(request.target, "http://target.invalid"), headers },
    );
    if (ok !== true || verified === undefined) {
      throw new SignatureError(
        "wrong",
        "the signature does not verify: another key signed it, or method, path, query or body changed on the way",
      );
    }
  } catch (error) {
    if (lookupFailure !== undefined) throw lookupFailure.error;
    if (error instanceof SignatureError) throw error;
    const incomplete =
      error instanceof Error && error.name === "Error" && /required/.test(error.message);
    throw new SignatureError(
      incomplete ? "incomplete" : "malformed",
      `the signature cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const toleranceMs = (options.toleranceSeconds ?? 300) * 1000;
  const skewMs = verified.createdAtMs - options.nowMs;
  if (Math.abs(skewMs) > toleranceMs) {
    throw new SignatureError(
      "clock_skew",
      `the signature was made ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs < 0 ? "ago" : "in the future"} by this farm's clock; set the agent's clock`,
    );
  }
  return verified;
}
