import { generateKeyPairSync } from "node:crypto";
import { contentDigest } from "./content-digest.js";
import { publicKeyFromText, publicKeyText } from "./key-text.js";
import {
  createSigner,
  SignatureError,
  verifySignature,
  type SignedRequest,
} from "./request-signature.js";

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const keyText = publicKeyText(publicKey);
const lookupKey = (keyId: string) => (keyId === "agt_1" ? keyText : null);

async function signedRequest(
  over: {
    body?: string;
    path?: string;
    method?: string;
    stripPath?: string;
    key?: typeof privateKey;
  } = {},
): Promise<SignedRequest> {
  const url = new URL(`http://farm.example:8787${over.path ?? "/agent/v1/poll?wait=1&x=%20y"}`);
  const method = over.method ?? "POST";
  const sign = createSigner({
    privateKey: over.key ?? privateKey,
    keyId: "agt_1",
    nowMs: () => nowMs,
    ...(over.stripPath === undefined ? {} : { stripPath: over.stripPath }),
  });
  const headers = await sign({ method, url, headers: {}, body: over.body });
  return { method, target: `${url.pathname}${url.search}`, headers, body: over.body };
}

async function faultOf(request: SignedRequest, at = nowMs): Promise<string> {
  try {
    await verifySignature(request, { lookupKey, nowMs: at });
  } catch (error) {
    if (error instanceof SignatureError) return error.fault;
    throw error;
  }
  return "verified";
}

describe("request signatures", () => {
  it("verify for the request that was signed, with and without a body", async () => {
    const withBody = await verifySignature(await signedRequest({ body: '{"a":1}' }), {
      lookupKey,
      nowMs,
    });
    expect(withBody).toMatchObject({ keyId: "agt_1", createdAtMs: nowMs });
    expect(withBody.nonce.length).toBeGreaterThanOrEqual(16);
    expect(await faultOf(await signedRequest({ method: "GET" }))).toBe("verified");
    expect(await faultOf(await signedRequest({ path: "/agent/v1/session" }))).toBe("verified");
  });

  it("never use a nonce twice", async () => {
    const one = await signedRequest();
    const two = await signedRequest();
    expect(one.headers["signature-input"]).not.toBe(two.headers["signature-input"]);
  });

  it("do not cover what a proxy may change", async () => {
    const request = await signedRequest({ path: "/farm/agent/v1/poll", stripPath: "/farm/" });
    expect(await faultOf({ ...request, target: "/agent/v1/poll" })).toBe("verified");
  });

  it.each([
    ["the method", { method: "PUT" }],
    ["the path", { target: "/agent/v1/session?wait=1&x=%20y" }],
    ["the query", { target: "/agent/v1/poll?wait=2&x=%20y" }],
  ])("fail when %s changed", async (_what, change) => {
    expect(await faultOf({ ...(await signedRequest({ body: "{}" })), ...change })).toBe("wrong");
  });

  it("fail when the body changed, even with a digest that fits the new one", async () => {
    const request = await signedRequest({ body: '{"epoch":1}' });
    const forged = '{"epoch":2}';
    expect(await faultOf({ ...request, body: forged })).toBe("digest_mismatch");
    expect(await faultOf({ ...request, body: undefined })).toBe("digest_mismatch");
    const headers = { ...request.headers, "content-digest": contentDigest(forged) };
    expect(await faultOf({ ...request, body: forged, headers })).toBe("wrong");
    const { "content-digest": _, ...without } = request.headers;
    expect(await faultOf({ ...request, headers: without })).toBe("digest_mismatch");
  });

  it("fail when a body was put under a signature that covers none", async () => {
    const request = await signedRequest();
    const headers = { ...request.headers, "content-digest": contentDigest("x") };
    expect(await faultOf({ ...request, body: "x", headers })).toBe("incomplete");
  });

  it("fail for another key, an unknown key, and a clock too far away", async () => {
    const other = generateKeyPairSync("ed25519").privateKey;
    expect(await faultOf(await signedRequest({ key: other }))).toBe("wrong");
    const unknown = verifySignature(await signedRequest(), { lookupKey: () => null, nowMs });
    await expect(unknown).rejects.toMatchObject({ fault: "unknown_key" });
    expect(await faultOf(await signedRequest(), nowMs + 301_000)).toBe("clock_skew");
    expect(await faultOf(await signedRequest(), nowMs - 301_000)).toBe("clock_skew");
    expect(await faultOf(await signedRequest(), nowMs + 299_000)).toBe("verified");
  });

  it.each([
    ["missing", {}],
    ["missing", { signature: "sig=:AAAA:" }],
    ["malformed", { signature: "sig=:AAAA:", "signature-input": "no such thing (" }],
    ["incomplete", { signature: "sig=:AAAA:", "signature-input": 'sig=("@method");keyid="agt_1"' }],
    [
      "incomplete",
      {
        signature: "sig=:AAAA:",
        "signature-input": `sig=("@method");created=${nowMs / 1000};nonce="n";keyid="agt_1";alg="ed25519"`,
      },
    ],
    [
      "wrong",
      {
        signature: "sig=:AAAA:",
        "signature-input": `sig=("@method" "@path" "@query");created=${nowMs / 1000};nonce="n";keyid="agt_1";alg="ed25519"`,
      },
    ],
  ])("are refused as %s when headers are bad", async (fault, headers) => {
    expect(await faultOf({ method: "GET", target: "/", headers, body: undefined })).toBe(fault);
  });

  it("pass a failing key look-up on as it is", async () => {
    const lost = new Error("database away");
    const verifying = verifySignature(await signedRequest(), {
      lookupKey: () => Promise.reject(lost),
      nowMs,
    });
    await expect(verifying).rejects.toBe(lost);
  });
});

describe("key text", () => {
  it("carries the raw 32 bytes both ways", () => {
    expect(keyText).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(publicKeyText(privateKey)).toBe(keyText);
    expect(publicKeyText(publicKeyFromText(keyText))).toBe(keyText);
    expect(() => publicKeyFromText("short")).toThrow(/43 base64url/);
    expect(() => publicKeyText(generateKeyPairSync("x25519").publicKey)).toThrow(/Ed25519/);
  });
});
