import { drawTokens } from "./draw-tokens.js";

test("every id is inside the vocabulary and the draw is close to uniform", () => {
  const tokens = new Int32Array(40_000);
  drawTokens(tokens, 8, null, 1);
  const counts = new Array<number>(8).fill(0);
  for (const token of tokens) counts[token] = (counts[token] ?? 0) + 1;
  expect(counts.reduce((sum, count) => sum + count)).toBe(40_000);
  for (const count of counts) expect(Math.abs(count - 5000)).toBeLessThan(400);
});

test("the first token is the one given, and the state goes on", () => {
  const first = new Int32Array(4);
  const second = new Int32Array(4);
  const state = drawTokens(first, 1000, 7, 1);
  drawTokens(second, 1000, null, state);
  expect(first[0]).toBe(7);
  expect([...second]).not.toEqual([...first]);
  expect(drawTokens(new Int32Array(0), 1000, 7, 1)).toBe(1);
});
