import type { EngineFacts } from "./bench-row.js";
import { currentInstant } from "./clock.js";
import { countPhysicalCores } from "./count-physical-cores.js";
import { LLAMA_RELEASE } from "./embedded-release.js";
import { UsageError } from "./engine-errors.js";
import type { InstalledLibraries } from "./find-libraries.js";
import type { LlamaSession, LoadedModel } from "./native/llama-session.js";
import type { BenchRequest } from "./parse-flags.js";
import { planTests } from "./plan-tests.js";
import type { BenchTest } from "./plan-tests.js";
import { rowPrinter } from "./print-rows.js";
import { readCpuVariant, readLoadLog } from "./read-load-log.js";
import { runTest } from "./run-test.js";

const INT32_MAX = 2_147_483_647;

/** Where a run writes. */
export interface BenchStreams {
  readonly writeOut: (text: string) => void;
  readonly writeError: (line: string) => void;
}

/**
 * Runs every test of a request and writes one row for each as soon as it is measured.
 *
 * @throws UsageError when the request asks for nothing, EngineFailure when a model or a test fails; rows
 *   written before stay written
 */
export function runBench(
  session: LlamaSession,
  installed: InstalledLibraries,
  request: BenchRequest,
  streams: BenchStreams,
): void {
  const { library } = session;
  const tests = planTests(request, library.defaultThreadCount() ?? countPhysicalCores());
  if (tests.length === 0) throw new UsageError("nothing to measure: -p, -n and -pg are all 0");
  for (const { promptTokens, generatedTokens, depthTokens } of tests) {
    if (promptTokens + generatedTokens + depthTokens > INT32_MAX) {
      throw new UsageError("-p, -n and -d together ask for more tokens than llama.cpp can count");
    }
  }
  const engine = engineFacts(session, installed);
  warnWithoutGpu(session, tests, streams);
  const printer = rowPrinter(request.output, request, {
    commit: engine.buildCommit,
    number: engine.buildNumber,
  });
  streams.writeOut(printer.header());

  let model: LoadedModel | null = null;
  let loadedFor: BenchTest | null = null;
  try {
    for (const [index, test] of tests.entries()) {
      const say = (phase: string): void => {
        if (request.progress) {
          streams.writeError(`llama-bench: benchmark ${index + 1}/${tests.length}: ${phase}`);
        }
      };
      say("starting");
      if (
        model === null ||
        loadedFor?.modelPath !== test.modelPath ||
        loadedFor.gpuLayers !== test.gpuLayers
      ) {
        if (model !== null) library.modelFree(model.handle);
        model = null;
        model = session.loadModel(test.modelPath, test.gpuLayers);
        loadedFor = test;
      }
      const context = session.openContext(model, test);
      const testTime = currentInstant();
      try {
        const samples = runTest(session, model, context, test, {
          repetitions: request.repetitions,
          warmup: request.warmup,
          onPhase: say,
        });
        streams.writeOut(
          printer.row({
            engine,
            model,
            test,
            evidence: readLoadLog([...model.logLines, ...context.logLines]),
            testTime,
            samples,
            peakRssBytes: process.resourceUsage().maxRSS * 1024,
          }),
        );
      } finally {
        session.closeContext(context);
      }
    }
  } finally {
    if (model !== null) library.modelFree(model.handle);
  }
  streams.writeOut(printer.footer());
}

function engineFacts(session: LlamaSession, installed: InstalledLibraries): EngineFacts {
  const devices = session.devices();
  const backends = session.backendNames().filter((name) => name !== "CPU");
  return {
    buildCommit: session.library.ggmlCommit(),
    buildNumber: session.library.buildNumber(),
    cpuInfo: devices
      .filter((device) => device.isCpu)
      .map((device) => device.description)
      .join(", "),
    gpuInfo: devices
      .filter((device) => device.isGpu)
      .map((device) => device.description)
      .join(", "),
    backends: backends.length === 0 ? "CPU" : backends.join(","),
    release: LLAMA_RELEASE,
    nativePackage: `${installed.packageName}@${installed.packageVersion}`,
    cpuVariant: readCpuVariant(session.backendLogLines),
  };
}

function warnWithoutGpu(
  session: LlamaSession,
  tests: readonly BenchTest[],
  streams: BenchStreams,
): void {
  const asked = tests.find((test) => test.gpuLayers > 0);
  if (asked === undefined || session.devices().some((device) => device.isGpu)) return;
  streams.writeError(
    `warning: -ngl ${asked.gpuLayers} has no effect: no GPU backend found a device. The test runs on the CPU and ` +
      "says so in benchfarm_effective_backend.",
  );
}
