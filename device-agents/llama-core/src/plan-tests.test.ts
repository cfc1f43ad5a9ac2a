import { parseFlags } from "./parse-flags.js";
import { planTests } from "./plan-tests.js";

const plan = (...argv: string[]): string[] =>
  planTests(parseFlags(["-m", "a", ...argv]), 6).map(
    (test) =>
      `${test.modelPath} fa${test.flashAttention} t${test.threads} d${test.depthTokens} ` +
      `pp${test.promptTokens} tg${test.generatedTokens}`,
  );

test("the machine's thread count is used where none is asked for", () => {
  expect(plan()).toEqual(["a fa-1 t6 d0 pp512 tg0", "a fa-1 t6 d0 pp0 tg128"]);
});

test("a cross product in llama-bench's order, zero shapes left out", () => {
  expect(plan("-p", "0,8", "-n", "4", "-pg", "8,4", "-d", "0,16", "-t", "1,2")).toEqual([
    "a fa-1 t1 d0 pp8 tg0",
    "a fa-1 t1 d0 pp0 tg4",
    "a fa-1 t1 d0 pp8 tg4",
    "a fa-1 t1 d16 pp8 tg0",
    "a fa-1 t1 d16 pp0 tg4",
    "a fa-1 t1 d16 pp8 tg4",
    "a fa-1 t2 d0 pp8 tg0",
    "a fa-1 t2 d0 pp0 tg4",
    "a fa-1 t2 d0 pp8 tg4",
    "a fa-1 t2 d16 pp8 tg0",
    "a fa-1 t2 d16 pp0 tg4",
    "a fa-1 t2 d16 pp8 tg4",
  ]);
});

test("each model is loaded once: all of its tests stand together", () => {
  const models = plan("-m", "b", "-fa", "0,1", "-n", "0").map((line) => line.split(" ")[0]);
  expect(models).toEqual(["a", "a", "b", "b"]);
});

test("nothing to measure is an empty plan", () => {
  expect(plan("-p", "0", "-n", "0")).toEqual([]);
});
