import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout; every command runs there. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A failure whose message says all that there is to say: it is shown without a stack. */
export class ExpectedFailure extends Error {
  expected = true;
}

export function at(...parts) {
  return join(ROOT, ...parts);
}

export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

export function writeJson(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

export function sha256(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

const NEVER_SOURCES = new Set(["node_modules", "dist", "generated", ".tsc", ".git", ".cache"]);

function* walk(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) {
    yield [path, stat];
    return;
  }
  for (const entry of readdirSync(path)) {
    if (!NEVER_SOURCES.has(entry)) yield* walk(join(path, entry));
  }
}

/**
 * A digest of names, sizes and modification times of all sources under `paths` (relative to the root). Test files are
 * not sources of a build. Paths that do not exist count as absent.
 */
export function sourcesDigest(paths, salt = "") {
  const lines = [salt];
  for (const path of paths) {
    for (const [file, stat] of walk(at(path))) {
      if (/\.test\.[a-z]+$/.test(file)) continue;
      lines.push(`${relative(ROOT, file)} ${stat.size} ${stat.mtimeMs}`);
    }
  }
  return sha256(lines.sort().join("\n"));
}

export function exists(...parts) {
  return existsSync(at(...parts));
}
