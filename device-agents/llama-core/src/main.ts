import { EngineFailure, EngineUnavailableError, UsageError } from "./engine-errors.js";
import { findLibraries } from "./find-libraries.js";
import type { InstalledLibraries } from "./find-libraries.js";
import { LlamaSession } from "./native/llama-session.js";
import { LogCollector } from "./native/log-collector.js";
import { parseFlags, USAGE } from "./parse-flags.js";
import type { BenchRequest } from "./parse-flags.js";
import { runBench } from "./run-bench.js";
import { writeSync } from "node:fs";

const EXIT_ENGINE = 1;
const EXIT_USAGE = 2;
const STDOUT = 1;
const STDERR = 2;

process.exitCode = main(process.argv.slice(2));

function main(argv: readonly string[]): number {
  try {
    const request = parseFlags(argv);
    if (request.action === "help") {
      writeAll(STDOUT, USAGE);
      return 0;
    }
    const installed = findLibraries(request.nativePackage);
    const session = LlamaSession.open(installed, new LogCollector(request.verbose, writeError));
    act(request, session, installed);
    return 0;
  } catch (error) {
    return report(error);
  }
}

function act(request: BenchRequest, session: LlamaSession, installed: InstalledLibraries): void {
  if (request.action === "version") {
    const { library } = session;
    writeAll(
      STDOUT,
      `llama.cpp ${library.llamaVersion()} (build ${library.buildNumber()}, commit ${library.ggmlCommit()}), ` +
        `ggml ${library.ggmlVersion()}\n${installed.packageName}@${installed.packageVersion}\n` +
        `${library.systemInfo()}\n`,
    );
  } else if (request.action === "list-devices") {
    const mib = (bytes: number): number => Math.floor(bytes / 1024 ** 2);
    const lines = session
      .devices()
      .filter((device) => !device.isCpu)
      .map(
        (device) =>
          `  ${device.name}: ${device.description} ` +
          `(${mib(device.memoryTotalBytes)} MiB, ${mib(device.memoryFreeBytes)} MiB free)`,
      );
    writeAll(
      STDOUT,
      `Available devices:\n${(lines.length === 0 ? ["  (none)"] : lines).join("\n")}\n`,
    );
  } else {
    runBench(session, installed, request, {
      writeOut: (text) => {
        writeAll(STDOUT, text);
      },
      writeError,
    });
  }
}

function report(error: unknown): number {
  if (error instanceof UsageError) {
    writeError(`error: ${error.message} (-h lists the options)`);
    return EXIT_USAGE;
  }
  const known = error instanceof EngineFailure || error instanceof EngineUnavailableError;
  writeError(
    known ? `error: ${error.message}` : `error: ${(error as Error).stack ?? String(error)}`,
  );
  return EXIT_ENGINE;
}

function writeError(line: string): void {
  writeAll(STDERR, `${line}\n`);
}

/**
 * Writes at once and completely: a row must be out before the next test can crash the process, and stream
 * buffers would be flushed only between tests.
 */
function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text) as Uint8Array;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") process.exit(EXIT_ENGINE);
      // A pipe set to non-blocking by its reader's side is full; the reader is about to drain it.
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
