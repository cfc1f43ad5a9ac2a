// PostgreSQL refuses to run as root, so root starts it as an unprivileged user. That user must be able to reach the
// data folder and the programs, which is not so below a folder like /root (mode 0700).
import { chownSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** The user and group that the server's processes get; null leaves them as this process has them. */
export type RunAs = { uid: number; gid: number } | null;

const NOBODY = { uid: 65534, gid: 65534 };

/**
 * The identity to run the server under: null unless this process is root, else the owner of an existing data folder,
 * else nobody (65534). `dataDir` need not exist.
 */
export function chooseRunAs(dataDir: string): RunAs {
  if (process.getuid?.() !== 0) return null;
  const owner = statSync(dataDir, { throwIfNoEntry: false });
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : NOBODY;
}

/** True when `runAs` may pass through every folder above `path` (and `path` itself when it is a folder). */
export function canReach(path: string, runAs: RunAs): boolean {
  if (runAs === null) return true;
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const stat = statSync(at);
    const execute = stat.uid === runAs.uid ? 0o100 : stat.gid === runAs.gid ? 0o010 : 0o001;
    if (stat.isDirectory() && (stat.mode & execute) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

/** Gives a folder and everything in it to `runAs`, following no links. */
export function giveTo(path: string, runAs: RunAs): void {
  if (runAs === null) return;
  chownSync(path, runAs.uid, runAs.gid);
  for (const name of readdirSync(path)) {
    const entry = join(path, name);
    const stat = lstatSync(entry);
    if (stat.isDirectory()) giveTo(entry, runAs);
    else if (!stat.isSymbolicLink()) chownSync(entry, runAs.uid, runAs.gid);
  }
}
