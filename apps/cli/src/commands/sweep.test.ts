import { parseWorkload } from "./sweep.js";

test("workloads are written as llama-bench writes its tests", () => {
  expect(parseWorkload("tg128@d4096", 3)).toMatchObject({
    promptTokens: 0,
    generatedTokens: 128,
    depthTokens: 4096,
    repetitions: 3,
  });
  expect(parseWorkload("pp512+tg64", 5)).toMatchObject({ promptTokens: 512, generatedTokens: 64 });
});

test.each(["", "512", "pp", "tg-1", "pp512tg"])("'%s' is refused with the notation", (text) => {
  expect(() => parseWorkload(text, 5)).toThrow(/pp512/);
});
