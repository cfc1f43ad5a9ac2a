import type { Failure, FailureCode } from "@benchfarm/contracts";
import { failureOf, type ProcessOutput } from "../engine.js";

/** Messages of llama.cpp and its backends; the first that matches names the failure. */
const PATTERNS: [RegExp, FailureCode, string][] = [
  [
    /out of memory|failed to allocate|unable to allocate|cannot allocate memory|bad_alloc|insufficient memory|ErrorOutOfDeviceMemory|ErrorOutOfHostMemory|kIOGPUCommandBufferCallbackErrorOutOfMemory|array buffer allocation failed/i,
    "out_of_memory",
    "the engine ran out of memory",
  ],
  [
    /unknown model architecture|unsupported model|unknown (?:pre-)?tokenizer|unknown projector|requires flash(?:_attn| attention)/i,
    "unsupported",
    "this engine build cannot do this with this model",
  ],
  [
    /failed to load model|error loading model|invalid magic|failed to read (?:magic|tensor|key)|data is not within the file bounds|unable to load model/i,
    "model_rejected",
    "the engine refused the model file",
  ],
  [/\bnon-finite\b|\bNaNs?\b(?!\.)/, "non_finite", "the model's outputs are not finite numbers"],
  [
    /invalid parameter for argument|unknown flag|unknown argument|^usage:/im,
    "engine_failed",
    "the engine does not know an option it was given; its version is too old or too new",
  ],
];

/** Exit codes of Windows that are an exception's NTSTATUS, such as 0xC0000005. */
const isNtStatusFault = (exitCode: number) => exitCode >>> 0 >= 0xc0000000;

const lastLines = (text: string) =>
  text
    .trimEnd()
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .slice(-5)
    .join("\n");

/** The failure that the way a process ended means, or null when it ended well and its output decides. */
export function classifyExit(output: ProcessOutput): Failure | null {
  if (output.timedOut) {
    return failureOf("timed_out", "the engine did not end in the time a repetition has", output);
  }
  if (output.outOfMemory === true) {
    return failureOf("out_of_memory", "the system ended the engine for want of memory", output);
  }
  if (output.exitCode === 0 && output.signal === null) return null;
  const said = lastLines(output.stderr);
  const quoted = said === "" ? "it printed no reason" : `it said: ${said}`;
  const { exitCode, signal } = output;
  const crashed = signal !== null || (exitCode !== null && isNtStatusFault(exitCode));
  for (const [pattern, code, meaning] of PATTERNS) {
    if (pattern.test(output.stderr)) return failureOf(code, `${meaning}; ${quoted}`, output);
  }
  if (crashed) {
    const how = signal === null ? `exception 0x${(exitCode ?? 0).toString(16)}` : signal;
    return failureOf("engine_crashed", `the engine was ended by ${how}; ${quoted}`, output);
  }
  return failureOf(
    "engine_failed",
    `the engine ended with exit code ${exitCode}; ${quoted}`,
    output,
  );
}
