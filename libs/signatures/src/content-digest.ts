import { createHash } from "node:crypto";

const sha256 = (body: Uint8Array | string) => {
  const hash = createHash("sha256");
  return (typeof body === "string" ? hash.update(body, "utf8") : hash.update(body)).digest();
};

/** The RFC 9530 `Content-Digest` header of these body bytes, by sha-256. */
export function contentDigest(body: Uint8Array | string): string {
  return `sha-256=:${sha256(body).toString("base64")}:`;
}

/** Whether a `Content-Digest` header carries the sha-256 of exactly these bytes; other algorithms in it are not looked at. */
export function contentDigestMatches(header: string, body: Uint8Array | string): boolean {
  const given = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(header)?.[1];
  if (given === undefined) return false;
  return sha256(body).equals(Buffer.from(given, "base64") as Uint8Array);
}
