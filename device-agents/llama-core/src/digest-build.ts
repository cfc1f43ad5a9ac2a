import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { libraryFileNames } from "./choose-libraries.js";

const digests = new Map<string, Promise<string>>();

/**
 * The sha256 (lower-case hex) that identifies a native build: over name, a zero byte and the content of
 * every shared library in the folder, in name order. Streams the files; computed once per folder and process.
 */
export function digestBuild(directory: string, fileNames: readonly string[]): Promise<string> {
  let digest = digests.get(directory);
  if (digest === undefined) {
    digest = computeDigest(directory, libraryFileNames(fileNames));
    digests.set(directory, digest);
    digest.catch(() => digests.delete(directory));
  }
  return digest;
}

async function computeDigest(directory: string, names: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const name of names) {
    hash.update(`${name}\0`);
    for await (const chunk of createReadStream(join(directory, name)))
      hash.update(chunk as Uint8Array);
  }
  return hash.digest("hex");
}
