import { Problem, ServerProblem, UnreachableError } from "@benchfarm/contracts";
import { explainError } from "./explain-error.js";

const answered = (code: ConstructorParameters<typeof Problem>[0], detail: string) =>
  new ServerProblem(new Problem(code, detail).toBody(), null);

it("passes on what a farm says and adds what to do", () => {
  const explained = explainError(answered("unavailable", "the database is starting"));
  expect(explained.title).toBe("A part of the farm is not available right now");
  expect(explained.detail).toBe("the database is starting");
  expect(explained.advice).toContain("Try again");
  expect(explainError(answered("conflict", "x")).advice).not.toBe("");
});

it("tells an unreachable farm from an unreadable answer", () => {
  expect(explainError(new UnreachableError("no answer from http://x")).advice).toContain(
    "npm run demo",
  );
  const unreadable = explainError(new Error("z".repeat(2000)));
  expect(unreadable.detail).toHaveLength(600);
  expect(unreadable.advice).toContain("npm run build");
});
