import { progressParts } from "./progress-parts.js";

it("lists outcomes first and adds up to the total", () => {
  const parts = progressParts({
    total: 12,
    blocked: 1,
    queued: 4,
    active: 2,
    done: 5,
    outcomes: { succeeded: 3, timed_out: 1 },
    remainingMs: null,
  });
  expect(parts.map((part) => [part.label, part.count, part.tone])).toEqual([
    ["succeeded", 3, "good"],
    ["timed out", 1, "bad"],
    // One finished run whose outcome is not told.
    ["done", 1, "quiet"],
    ["running", 2, "info"],
    ["queued", 4, "waiting"],
    ["blocked", 1, "blocked"],
  ]);
  expect(parts.reduce((sum, part) => sum + part.count, 0)).toBe(12);
});
