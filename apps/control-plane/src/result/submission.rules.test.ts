import { WorkloadSpec, type ResultSubmission } from "@benchfarm/contracts";
import {
  duplicateIndex,
  findFailure,
  storable,
  submissionDigest,
  type Asked,
} from "./submission.rules.js";
import { DECODE, fakeSha256, LLAMA, sample, submission } from "./farm-rows.fixture.js";

const SHA = fakeSha256("model");
const asked: Asked = {
  engine: "llama-cpp",
  engineVersion: null,
  backend: "cpu",
  modelSha256: SHA,
  workload: DECODE,
};
const good = submission(DECODE, SHA);
const codeOf = (over: Partial<ResultSubmission>, of: Asked = asked) =>
  findFailure({ ...good, ...over }, of)?.code ?? null;
const withSample = (over: object) => ({
  samples: good.samples.map((s) => (s.index === 3 ? { ...s, ...over } : s)),
});

test("a complete measurement is no failure", () => {
  expect(codeOf({})).toBeNull();
});

test("the agent's own failure comes before everything else", () => {
  const failure = { code: "out_of_memory" as const, message: "x", exitCode: 1, signal: null };
  expect(findFailure({ ...good, failure, effectiveBackend: "cuda" }, asked)).toEqual(failure);
});

test.each([
  ["another backend executed", { effectiveBackend: "cuda" as const }],
  ["nothing shows which backend executed", { effectiveBackend: null }],
  ["the agent asked its engine for another one", { requestedBackend: "vulkan" as const }],
])("backend_mismatch: %s", (_, over) => {
  expect(codeOf(over)).toBe("backend_mismatch");
});

test.each([
  ["another file was measured", { modelSha256: fakeSha256("other") }, "artifact_corrupt"],
  ["the file was not verified", { modelSha256: null }, "artifact_corrupt"],
  ["another engine measured", { engine: { ...LLAMA, adapter: "other" } }, "engine_missing"],
  ["nobody says which engine", { engine: null }, "unreadable_output"],
  ["there is no sample", { samples: [] }, "unreadable_output"],
  ["there are only warm-ups", { samples: [sample(DECODE, 0)] }, "unreadable_output"],
])("%s", (_, over, code) => {
  expect(codeOf(over)).toBe(code);
});

test("an asked engine version must be the one that measured", () => {
  expect(codeOf({}, { ...asked, engineVersion: "b7000" })).toBe("engine_missing");
  expect(codeOf({}, { ...asked, engineVersion: "b6000" })).toBeNull();
});

test.each([
  ["a token short", { generatedTokens: 31 }, "token_count_mismatch"],
  ["a prompt nobody asked for", { promptTokens: 1 }, "token_count_mismatch"],
  ["NaN", { generationNs: Number.NaN }, "non_finite"],
  ["infinite", { generationNs: Number.POSITIVE_INFINITY }, "non_finite"],
  ["zero", { generationNs: 0 }, "non_finite"],
  ["negative", { loadNs: -1 }, "non_finite"],
  ["beyond what a double counts", { totalNs: 2 ** 60 }, "non_finite"],
  ["no time for the generation", { generationNs: null }, "unreadable_output"],
  ["a part longer than the whole", { totalNs: 1 }, "unreadable_output"],
])("one bad repetition spoils the result: %s", (_, over, code) => {
  expect(codeOf(withSample(over))).toBe(code);
});

test("a bad warm-up repetition does not spoil the result", () => {
  const samples = good.samples.map((s) => (s.warmup ? { ...s, generatedTokens: 1 } : s));
  expect(codeOf({ samples })).toBeNull();
});

test("CPU time may be zero; a prefill needs its prompt's time, a whole only its own", () => {
  expect(codeOf(withSample({ cpuNs: 0 }))).toBeNull();
  const whole = WorkloadSpec.parse({ promptTokens: 8, generatedTokens: 8 });
  const parts = { promptNs: null, generationNs: null };
  const samples = good.samples.map((s) => sample(whole, s.index, parts));
  expect(codeOf({ samples }, { ...asked, workload: whole })).toBeNull();
  const prefill = WorkloadSpec.parse({ promptTokens: 8, generatedTokens: 0 });
  const prompts = good.samples.map((s) => sample(prefill, s.index, parts));
  expect(codeOf({ samples: prompts }, { ...asked, workload: prefill })).toBe("unreadable_output");
});

test("an index that appears twice is found", () => {
  expect(duplicateIndex(good.samples)).toBeNull();
  expect(duplicateIndex([...good.samples, sample(DECODE, 2)])).toBe(2);
});

test("the digest does not depend on the order of members, and depends on every counter", () => {
  const shuffled = Object.fromEntries(Object.entries(good).reverse()) as ResultSubmission;
  expect(submissionDigest(shuffled)).toBe(submissionDigest(good));
  const other = { ...good, ...withSample({ generationNs: 1234 }) };
  expect(submissionDigest(other)).not.toBe(submissionDigest(good));
});

test("what PostgreSQL cannot store is replaced everywhere, and nothing else", () => {
  expect(storable({ a: ["x\0y", { b: "\ud800z", ok: "\u{1f600}" }], n: 1, z: null })).toEqual({
    a: ["x\ufffdy", { b: "\ufffdz", ok: "\u{1f600}" }],
    n: 1,
    z: null,
  });
});
