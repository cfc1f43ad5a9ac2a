import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { at } from "./checkout.mjs";

const LOCK_PATH = at(".cache", "bootstrap.lock");
const TOUCH_MS = 5_000;
/** A holder touches its lock every 5 s; one that has not for so long is dead, whatever its pid says now. */
const STALE_MS = 60_000;

function readLock() {
  try {
    return readFileSync(LOCK_PATH, "utf8");
  } catch {
    return null;
  }
}

function isStale(content) {
  const pid = Number.parseInt(content, 10);
  if (pid > 0) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      if (error.code === "ESRCH") return true;
    }
  }
  const stat = statSync(LOCK_PATH, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS;
}

function tryTake(token) {
  try {
    const file = openSync(LOCK_PATH, "wx");
    writeSync(file, token);
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Runs `work` while no other bootstrap of this checkout installs or builds; waits for one that does. The lock of a
 * killed holder is taken over.
 */
export async function withCheckoutLock(work) {
  mkdirSync(dirname(LOCK_PATH), { recursive: true });
  const token = `${process.pid} ${process.hrtime.bigint()}`;
  let told = false;
  for (;;) {
    if (tryTake(token)) break;
    const content = readLock();
    if (content === null) continue;
    if (isStale(content)) {
      if (readLock() === content) rmSync(LOCK_PATH, { force: true });
      // Another waiter may have judged the same lock and removed the one taken just now: look again before working.
      if (tryTake(token)) {
        await delay(100);
        if (readLock() === token) break;
      }
      continue;
    }
    if (!told) {
      told = true;
      process.stderr.write(
        `waiting for another Benchfarm command (process ${Number.parseInt(content, 10)}) that installs or builds here\n`,
      );
    }
    await delay(300);
  }
  const timer = setInterval(() => {
    const now = new Date();
    if (readLock() === token) utimesSync(LOCK_PATH, now, now);
  }, TOUCH_MS);
  timer.unref();
  const release = () => {
    if (readLock() === token) rmSync(LOCK_PATH, { force: true });
  };
  process.on("exit", release);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    process.off("exit", release);
    release();
  }
}
