import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { freemem } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import { readKernel } from "./read-kernel.js";

const PAGE_BYTES = 65_536;
/** A single worker's buffer; all together are far larger than any cache, and within the memory that is free. */
const MOST_BYTES_EACH = 512 << 20;
const LEAST_BYTES_EACH = 16 << 20;
const MOST_BYTES_IN_ALL = 4 * 2 ** 30;
const PASSES = 7;

export interface BandwidthReading {
  bytesPerSecond: number;
  /** What was done, so that two numbers can be told apart. */
  method: string;
}

/**
 * The worker: maps its kernel over its own memory, touches each page, then reads the whole when told to and answers with the fold, so
 * that the reading cannot be left out.
 */
const WORKER = `
const { parentPort, workerData } = require("node:worker_threads");
const memory = new WebAssembly.Memory({ initial: workerData.pages });
const words = new Uint32Array(memory.buffer);
for (let i = 0; i < words.length; i += 1024) words[i] = i;
const module_ = new WebAssembly.Module(workerData.kernel);
const { read } = new WebAssembly.Instance(module_, { m: { m: memory } }).exports;
read(0, 65536);
parentPort.on("message", () => parentPort.postMessage(read(0, memory.buffer.byteLength)));
parentPort.postMessage("ready");
`;

const nextMessage = (worker: Worker) =>
  new Promise<unknown>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });

/** How much each of `workers` reads; null when too little memory is free for a buffer far larger than the caches. */
export function bytesEach(workers: number, freeBytes: number): number | null {
  const share = Math.min(MOST_BYTES_EACH, MOST_BYTES_IN_ALL / workers, freeBytes / 4 / workers);
  const bytes = Math.floor(share / PAGE_BYTES) * PAGE_BYTES;
  return bytes < LEAST_BYTES_EACH ? null : bytes;
}

/**
 * The read bandwidth of this machine's memory: all cores read buffers far larger than the caches at the same time, and the best of
 * several passes counts, since other programs can only make one slower. A lower bound of what the hardware can do. Takes one to a few
 * seconds. Null when it cannot be measured here.
 */
export async function measureMemoryBandwidth(
  cores: number,
  freeBytes = freemem(),
): Promise<BandwidthReading | null> {
  const each = bytesEach(cores, freeBytes);
  if (each === null) return null;
  const pages = each / PAGE_BYTES;
  const kernel = readKernel(pages);
  const workers = Array.from(
    { length: cores },
    () => new Worker(WORKER, { eval: true, workerData: { kernel, pages }, env: {}, execArgv: [] }),
  );
  try {
    await Promise.all(workers.map(nextMessage));
    let best = 0;
    for (let pass = 0; pass < PASSES; pass += 1) {
      const startMs = performance.now();
      const done = workers.map(nextMessage);
      for (const worker of workers) worker.postMessage(null);
      await Promise.all(done);
      const seconds = (performance.now() - startMs) / 1000;
      best = Math.max(best, (cores * each) / seconds);
    }
    return {
      bytesPerSecond: Math.round(best),
      method: `read, 128-bit WebAssembly SIMD, ${cores} threads x ${each / 2 ** 20} MiB, best of ${PASSES} passes`,
    };
  } catch {
    return null;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** A busy machine reads slower than it can: the best of this many agent starts is taken. */
const STARTS_MEASURED = 5;

const Stored = z.object({
  machine: z.string(),
  starts: z.number().int(),
  bytesPerSecond: z.number().positive(),
  method: z.string(),
});

/**
 * The best reading of this machine so far, kept in the agent's folder; the first few starts of an agent measure again. `machine` names
 * what a reading depends on.
 */
export async function readMemoryBandwidth(
  folder: string,
  machine: readonly unknown[],
  cores: number,
  measure = measureMemoryBandwidth,
): Promise<BandwidthReading | null> {
  const path = join(folder, "memory-bandwidth.json");
  const key = createHash("sha256")
    .update(JSON.stringify([1, cores, ...machine]))
    .digest("hex");
  const read = await readFile(path, "utf8")
    .then((text) => Stored.parse(JSON.parse(text)))
    .catch(() => null);
  const stored = read?.machine === key ? read : null;
  if (stored !== null && stored.starts >= STARTS_MEASURED) return readingOf(stored);
  const reading = await measure(cores);
  const best =
    stored !== null && stored.bytesPerSecond >= (reading?.bytesPerSecond ?? 0) ? stored : reading;
  if (best === null) return null;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const next = { machine: key, starts: (stored?.starts ?? 0) + 1, ...readingOf(best) };
  await writeFile(`${path}.new`, JSON.stringify(next));
  await rename(`${path}.new`, path);
  return readingOf(best);
}

const readingOf = ({ bytesPerSecond, method }: BandwidthReading): BandwidthReading => ({
  bytesPerSecond,
  method,
});
