import koffi from "koffi";
import { drawTokens } from "./draw-tokens.js";
import { EngineFailure } from "./engine-errors.js";
import { costBetween, readCounters } from "./measure-window.js";
import type { WindowCost } from "./measure-window.js";
import type { LlamaSession, LoadedModel, OpenContext } from "./native/llama-session.js";
import type { Handle, LlamaLibrary } from "./native/llama-library.js";
import type { Batch } from "./native/struct-layouts.js";
import type { BenchTest } from "./plan-tests.js";

/** One repetition. */
export interface TimedSample {
  readonly elapsedNs: bigint;
  readonly cost: WindowCost;
}

/** A context state to start a repetition from, instead of computing the same depth again. */
interface DepthState {
  readonly address: Handle;
  readonly sizeBytes: number;
}

/** Native token buffers of one test, allocated once. */
interface TokenBuffers {
  readonly prompt: Int32Array;
  /** One batch per `llama_decode` call of the prompt. */
  readonly promptBatches: readonly Batch[];
  readonly depth: Int32Array;
  readonly depthBatches: readonly Batch[];
  /** Token ids of the generation, and the one-token buffer that each is copied to in turn. */
  readonly generated: Int32Array;
  readonly next: Int32Array;
  readonly nextBatch: Batch;
  free(): void;
}

/**
 * Runs one test as llama-bench v0.4.0 does: warm-up (the whole prompt, one generated token), then per
 * repetition a cleared memory, the depth put back, and the time of the calls alone: one `llama_decode` per
 * logical batch of the prompt with one `llama_synchronize` after the last, one of each per generated
 * token. Token ids are drawn before the window opens; logits are those of the last token only.
 *
 * @param onPhase called before each phase, never inside a window
 * @throws EngineFailure when a call fails or the last logits are not finite
 */
export function runTest(
  session: LlamaSession,
  model: LoadedModel,
  context: OpenContext,
  test: BenchTest,
  options: { repetitions: number; warmup: boolean; onPhase: (phase: string) => void },
): TimedSample[] {
  const { library } = session;
  const memory = library.getMemory(context.handle);
  const buffers = allocateTokens(test);
  const samples: TimedSample[] = [];
  let depthState: DepthState | null = null;
  let seed = 0x9e3779b9;
  const refill = (tokens: Int32Array): void => {
    seed = drawTokens(tokens, model.vocabularySize, model.firstToken, seed);
  };
  try {
    library.memoryClear(memory, false);
    if (options.warmup) {
      options.onPhase("warm-up");
      refill(buffers.prompt);
      refill(buffers.generated);
      if (test.promptTokens > 0) prompt(library, context.handle, test, buffers.promptBatches);
      if (test.generatedTokens > 0) generate(library, context.handle, test, buffers, 1);
      checkLogits(library, context.handle, model);
    }
    for (let repetition = 1; repetition <= options.repetitions; repetition++) {
      library.memoryClear(memory, false);
      if (test.depthTokens > 0 && !restore(library, context.handle, depthState)) {
        options.onPhase(`depth ${repetition}/${options.repetitions}`);
        refill(buffers.depth);
        prompt(library, context.handle, test, buffers.depthBatches);
        releaseState(depthState);
        depthState = saveState(library, context.handle);
      }
      refill(buffers.prompt);
      refill(buffers.generated);
      options.onPhase(`repetition ${repetition}/${options.repetitions}`);
      const before = readCounters();
      const start = process.hrtime.bigint();
      if (test.promptTokens > 0) prompt(library, context.handle, test, buffers.promptBatches);
      if (test.generatedTokens > 0) {
        generate(library, context.handle, test, buffers, test.generatedTokens);
      }
      const elapsedNs = process.hrtime.bigint() - start;
      samples.push({ elapsedNs, cost: costBetween(before, readCounters()) });
    }
    checkLogits(library, context.handle, model);
    return samples;
  } finally {
    releaseState(depthState);
    buffers.free();
  }
}

function prompt(
  library: LlamaLibrary,
  context: Handle,
  test: BenchTest,
  batches: readonly Batch[],
): void {
  library.setThreadCount(context, test.threads, test.threads);
  for (const batch of batches) {
    const code = library.decode(context, batch);
    if (code !== 0) throw decodeFailure("a prompt batch", code);
  }
  library.synchronize(context);
}

function generate(
  library: LlamaLibrary,
  context: Handle,
  test: BenchTest,
  buffers: TokenBuffers,
  count: number,
): void {
  const { generated, next, nextBatch } = buffers;
  library.setThreadCount(context, test.threads, test.threads);
  for (let i = 0; i < count; i++) {
    next[0] = generated[i] ?? 0;
    const code = library.decode(context, nextBatch);
    if (code !== 0) throw decodeFailure("a generated token", code);
    library.synchronize(context);
  }
}

/** Meanings of `llama_decode`'s return values, from `llama.h`. */
function decodeFailure(what: string, code: number): EngineFailure {
  const meaning =
    code === 1
      ? "no room for the batch in the key/value cache"
      : code === 2
        ? "aborted"
        : code === -1
          ? "invalid input batch"
          : "fatal error in the backend";
  return new EngineFailure(
    `llama_decode failed on ${what} with code ${code} (${meaning}); -v shows llama.cpp's own log`,
  );
}

/**
 * Looks for NaN and infinity in the logits of the last decoded token. Earlier tokens that went wrong stay in the
 * key/value cache or the recurrent state and reach it too. It sees a model or backend that computes nothing but
 * nonsense; a single NaN can vanish where a kernel rounds activations to 8 bits.
 */
function checkLogits(library: LlamaLibrary, context: Handle, model: LoadedModel): void {
  const address = library.getLogitsIth(context, -1);
  if (address === null) throw new EngineFailure("llama.cpp returned no logits");
  const logits = new Float32Array(koffi.view(address, model.vocabularySize * 4));
  for (const logit of logits) {
    if (!Number.isFinite(logit)) {
      throw new EngineFailure(
        "the model's logits are not finite (NaN or infinity): its weights are damaged or the backend computes " +
          "wrong numbers, so no speed is reported",
      );
    }
  }
}

function saveState(library: LlamaLibrary, context: Handle): DepthState {
  const sizeBytes = Number(library.stateSeqGetSize(context, 0));
  const address = koffi.alloc("uint8_t", sizeBytes) as Handle;
  library.stateSeqGetData(context, address, sizeBytes, 0);
  return { address, sizeBytes };
}

function restore(library: LlamaLibrary, context: Handle, state: DepthState | null): boolean {
  if (state === null) return false;
  return Number(library.stateSeqSetData(context, state.address, state.sizeBytes, 0)) !== 0;
}

function releaseState(state: DepthState | null): void {
  if (state !== null) koffi.free(state.address);
}

function allocateTokens(test: BenchTest): TokenBuffers {
  const addresses: Handle[] = [];
  const allocate = (count: number): readonly [Handle, Int32Array] => {
    const address = koffi.alloc("int32_t", Math.max(1, count)) as Handle;
    addresses.push(address);
    return [address, new Int32Array(koffi.view(address, Math.max(1, count) * 4), 0, count)];
  };
  const [promptAddress, prompt] = allocate(test.promptTokens);
  const [depthAddress, depth] = allocate(test.depthTokens);
  const [, generated] = allocate(test.generatedTokens);
  const [nextAddress, next] = allocate(1);
  return {
    prompt,
    promptBatches: splitBatches(promptAddress, test.promptTokens, test.batchSize),
    depth,
    depthBatches: splitBatches(depthAddress, test.depthTokens, test.batchSize),
    generated,
    next,
    nextBatch: batchAt(nextAddress, 1),
    free: () => {
      for (const address of addresses) koffi.free(address);
    },
  };
}

function splitBatches(address: Handle, count: number, batchSize: number): Batch[] {
  const batches: Batch[] = [];
  for (let done = 0; done < count; done += batchSize) {
    batches.push(batchAt(address + BigInt(done * 4), Math.min(batchSize, count - done)));
  }
  return batches;
}

/** What `llama_batch_get_one` makes: positions tracked by llama.cpp, sequence 0, logits of the last token. */
function batchAt(token: Handle, count: number): Batch {
  return {
    n_tokens: count,
    token,
    embd: null,
    pos: null,
    n_seq_id: null,
    seq_id: null,
    logits: null,
  };
}
