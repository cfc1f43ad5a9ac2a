import type { BenchRequest, FlashAttention } from "./parse-flags.js";

/** One test: what llama-bench calls an instance. */
export interface BenchTest {
  readonly modelPath: string;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly depthTokens: number;
  readonly batchSize: number;
  readonly ubatchSize: number;
  readonly cacheTypeK: string;
  readonly cacheTypeV: string;
  readonly threads: number;
  readonly poll: number;
  readonly gpuLayers: number;
  readonly flashAttention: FlashAttention;
}

/**
 * Multiplies out a request in llama-bench's order (`get_cmd_params_instances`), which loads each model as
 * seldom as possible: per combination first the prompt tests, then the generation tests, then the pairs.
 *
 * @param defaultThreads threads where the request names none
 */
export function planTests(request: BenchRequest, defaultThreads: number): BenchTest[] {
  const shapes = [
    ...request.promptCounts.map((prompt) => [prompt, 0] as const),
    ...request.generateCounts.map((generate) => [0, generate] as const),
    ...request.promptGeneratePairs,
  ].filter(([prompt, generate]) => prompt > 0 || generate > 0);
  const threadCounts = request.threadCounts.length === 0 ? [defaultThreads] : request.threadCounts;
  const tests: BenchTest[] = [];
  for (const modelPath of request.models)
    for (const gpuLayers of request.gpuLayerCounts)
      for (const batchSize of request.batchSizes)
        for (const ubatchSize of request.ubatchSizes)
          for (const cacheTypeK of request.cacheTypesK)
            for (const cacheTypeV of request.cacheTypesV)
              for (const flashAttention of request.flashAttention)
                for (const threads of threadCounts)
                  for (const depthTokens of request.depths)
                    for (const poll of request.pollLevels)
                      for (const [promptTokens, generatedTokens] of shapes)
                        tests.push({
                          modelPath,
                          promptTokens,
                          generatedTokens,
                          depthTokens,
                          batchSize,
                          ubatchSize,
                          cacheTypeK,
                          cacheTypeV,
                          threads,
                          poll,
                          gpuLayers,
                          flashAttention,
                        });
  return tests;
}
