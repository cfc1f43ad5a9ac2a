import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { ExpectedFailure, at, exists, readJson, sha256, writeJson } from "./checkout.mjs";
import { withProgress } from "./progress.mjs";
import { captureChild, captureNode } from "./run-child.mjs";

const STAMP_PATH = at("node_modules", ".benchfarm-install.json");
const PLATFORM = `${process.platform}-${process.arch}-abi${process.versions.modules}`;

/** @typedef {"production" | "full"} InstallMode `production` leaves out what only tests and checks need. */

/**
 * True when node_modules holds what the lock file asks for in this mode. A stamp answers at once; without one (someone
 * ran npm by hand) npm's own record of what it installed is compared with the lock file, package by package.
 */
export function isInstalled(mode) {
  const lock = sha256(readFileSync(at("package-lock.json")));
  const stamp = readJson(STAMP_PATH);
  if (stamp?.lock === lock && stamp.platform === PLATFORM) {
    return stamp.mode === "full" || stamp.mode === mode;
  }
  if (stamp && stamp.platform !== PLATFORM) return false;
  const found = ["full", "production"].find((candidate) => matchesLock(candidate));
  if (found === undefined) return false;
  writeJson(STAMP_PATH, { lock, mode: found, platform: PLATFORM });
  return found === "full" || found === mode;
}

function matchesLock(mode) {
  const wanted = readJson(at("package-lock.json"))?.packages;
  const installed = readJson(at("node_modules", ".package-lock.json"))?.packages;
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes("node_modules/")) return true;
    if (entry.link) return installed[path]?.link === true;
    if (entry.optional || entry.devOptional || entry.peer) return true;
    if (entry.dev && mode === "production") return true;
    return installed[path]?.version === entry.version;
  });
}

/** Installs exactly the lock file's packages with `npm ci`. npm's own output is shown only when it fails. */
export async function installPackages(mode) {
  const total = Object.keys(readJson(at("package-lock.json"))?.packages ?? {}).length;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=warn"];
  if (mode === "production") args.push("--omit=dev");
  const title =
    mode === "production"
      ? "Installing packages from npm (first run only, a few minutes)"
      : "Installing packages from npm, test tools included (a few minutes)";
  const { code, output } = await withProgress(
    title,
    () => runNpm(args),
    () => (exists("node_modules") ? `${countInstalled()} folders of up to ${total}` : ""),
  );
  if (code !== 0) {
    throw new ExpectedFailure(
      `${excerpt(output)}\n\nnpm ci failed (exit code ${code}); its words are above. ${advice(output)}`,
    );
  }
  writeJson(STAMP_PATH, {
    lock: sha256(readFileSync(at("package-lock.json"))),
    mode,
    platform: PLATFORM,
  });
}

/** The npm that runs this script, when one does, so that a version manager's choice is kept. */
async function runNpm(args) {
  const own = process.env.npm_execpath;
  try {
    if (own && /npm-cli\.[cm]?js$/.test(own)) return await captureNode(own, args);
    return await captureChild("npm", args, { shell: process.platform === "win32" });
  } catch (error) {
    throw new ExpectedFailure(
      `npm could not be started (${error.message}); it comes with Node: install it and try again`,
    );
  }
}

/** npm says what is wrong first, and ends in pages of usage or in its cause: both ends are kept. */
function excerpt(output) {
  const lines = output.trimEnd().split("\n");
  if (lines.length <= 40) return lines.join("\n");
  return [...lines.slice(0, 25), `... (${lines.length - 40} more lines)`, ...lines.slice(-15)].join(
    "\n",
  );
}

function advice(output) {
  if (/ENOSPC/.test(output)) return "The disk is full: about 1.5 GB are needed.";
  if (/EACCES|EPERM/.test(output))
    return "Some files belong to another user: remove node_modules and try again.";
  if (/EINTEGRITY/.test(output)) return 'Run "npm cache verify" and try again.';
  if (/ENOTFOUND|ETIMEDOUT|ECONNRESET|ECONNREFUSED|EAI_AGAIN|ERR_SOCKET/.test(output)) {
    return "The npm registry cannot be reached: check the network or proxy settings, and try again.";
  }
  return "Try again; if it stays, remove node_modules first.";
}

function countInstalled() {
  let count = 0;
  try {
    for (const name of readdirSync(at("node_modules"))) {
      count += name.startsWith("@") ? readdirSync(join(at("node_modules"), name)).length : 1;
    }
  } catch {
    // Folders come and go while npm works.
  }
  return count;
}
