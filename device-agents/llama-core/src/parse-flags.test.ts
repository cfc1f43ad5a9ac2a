import { UsageError } from "./engine-errors.js";
import { parseFlags } from "./parse-flags.js";

test("llama-bench's defaults stand where a flag is absent", () => {
  expect(parseFlags(["-m", "a.gguf"])).toMatchObject({
    action: "bench",
    models: ["a.gguf"],
    promptCounts: [512],
    generateCounts: [128],
    promptGeneratePairs: [],
    depths: [0],
    batchSizes: [2048],
    ubatchSizes: [512],
    cacheTypesK: ["f16"],
    cacheTypesV: ["f16"],
    threadCounts: [],
    pollLevels: [50],
    gpuLayerCounts: [-1],
    flashAttention: [-1],
    repetitions: 5,
    output: "md",
    warmup: true,
  });
});

test("lists, repeated flags, ranges and long names", () => {
  const request = parseFlags([
    ...["-m", "a.gguf,b.gguf", "--model", "c.gguf", "-p", "64,128", "-p", "1-3"],
    ...["-n", "8-32*2", "--n_depth", "0-1024+512", "-t", "1,2", "-ngl", "-1,0,99"],
    ...["-fa", "on,off,auto", "-ctk", "q8_0", "-ctv", "f16,q4_0", "-b", "256", "-ub", "64"],
    ...["-pg", "512,128", "-r", "7", "-o", "jsonl", "--no-warmup", "--progress", "-v"],
  ]);
  expect(request).toMatchObject({
    models: ["a.gguf", "b.gguf", "c.gguf"],
    promptCounts: [64, 128, 1, 2, 3],
    generateCounts: [8, 16, 32],
    depths: [0, 512, 1024],
    threadCounts: [1, 2],
    gpuLayerCounts: [-1, 0, 99],
    flashAttention: [1, 0, -1],
    cacheTypesK: ["q8_0"],
    cacheTypesV: ["f16", "q4_0"],
    batchSizes: [256],
    ubatchSizes: [64],
    promptGeneratePairs: [[512, 128]],
    repetitions: 7,
    output: "jsonl",
    warmup: false,
    progress: true,
    verbose: true,
  });
});

test.each([
  [["-h"], "help"],
  [["--version"], "version"],
  [["--list-devices"], "list-devices"],
])("%s needs no model", (argv, action) => {
  expect(parseFlags(argv).action).toBe(action);
});

test.each([
  [[], /no model given/u],
  [["-m"], /-m needs a value/u],
  [["-m", "a", "--what"], /unknown flag --what/u],
  [["-m", "a", "extra"], /unknown flag extra/u],
  [["-m", "a", "-p", "many"], /-p takes whole numbers from 0 to 2147483647, not "many"/u],
  [["-m", "a", "-p", "1.5"], /not "1\.5"/u],
  [["-m", "a", "-p", "1e3"], /not "1e3"/u],
  [["-m", "a", "-p", ""], /empty value/u],
  [["-m", "a", "-p", "1,,2"], /empty value/u],
  [["-m", "a", "-p", "99999999999"], /not "99999999999"/u],
  [["-m", "a", "-p", "5-2"], /empty range: "5-2"/u],
  [["-m", "a", "-p", "1-8+0"], /does not end/u],
  [["-m", "a", "-p", "2-8*1"], /does not end/u],
  [["-m", "a", "-p", "0-2000000000"], /too long/u],
  [["-m", "a", "-t", "0"], /from 1 to 512/u],
  [["-m", "a", "-b", "0"], /from 1/u],
  [["-m", "a", "-ub", "-3"], /from 1/u],
  [["-m", "a", "-n", "-1"], /from 0/u],
  [["-m", "a", "-r", "0"], /from 1/u],
  [["-m", "a", "-ngl", "-2"], /from -1/u],
  [["-m", "a", "-pg", "12"], /two numbers/u],
  [["-m", "a", "-fa", "maybe"], /on, off or auto/u],
  [["-m", "a", "-ctk", "q9"], /f16, bf16/u],
  [["-m", "a", "-ctv", "toString"], /f16, bf16/u],
  [["-m", "a", "-o", "csv"], /json, jsonl or md/u],
])("%j is refused", (argv, message) => {
  expect(() => parseFlags(argv)).toThrow(UsageError);
  expect(() => parseFlags(argv)).toThrow(message);
});
