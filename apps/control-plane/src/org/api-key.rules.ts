import { createHash } from "node:crypto";

const SECRET = /^bf_[A-Za-z0-9_-]{43}$/;

/** The secret of an API key from 32 random bytes: `bf_` and their base64url. */
export function secretFrom(randomBytes: Buffer): string {
  return `bf_${randomBytes.toString("base64url")}`;
}

/** What is stored of a secret: its SHA-256, hex. Null for a text that no farm gave out. A fast hash suits 256 random bits. */
export function secretDigest(secret: string): string | null {
  return SECRET.test(secret) ? createHash("sha256").update(secret).digest("hex") : null;
}
