import { createPublicKey, type KeyObject } from "node:crypto";

/**
 * The wire form of an Ed25519 public key: its raw 32 bytes (RFC 8032) in base64url without padding, 43 characters. Takes the
 * public or the private half. Throws TypeError for a key of another kind.
 */
export function publicKeyText(key: KeyObject): string {
  if (key.asymmetricKeyType !== "ed25519") throw new TypeError("expected an Ed25519 key");
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const { x } = publicKey.export({ format: "jwk" });
  if (typeof x !== "string") throw new TypeError("expected an Ed25519 key");
  return x;
}

/** The key of which `publicKeyText` made the text. Throws TypeError when the text is not 32 base64url bytes. */
export function publicKeyFromText(text: string): KeyObject {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) {
    throw new TypeError("expected the 43 base64url characters of a raw Ed25519 public key");
  }
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: text }, format: "jwk" });
}
