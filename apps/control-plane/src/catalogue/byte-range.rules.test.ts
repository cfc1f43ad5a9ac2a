import { answerRange } from "./byte-range.rules.js";

describe("Range headers", () => {
  it.each([
    ["bytes=0-9", { start: 0, end: 9 }],
    ["bytes=90-", { start: 90, end: 99 }],
    ["bytes=90-1000", { start: 90, end: 99 }],
    ["bytes=-10", { start: 90, end: 99 }],
    ["bytes=-1000", { start: 0, end: 99 }],
  ])("%s is a part", (header, range) => {
    expect(answerRange(header, undefined, '"e"', 100)).toEqual({ kind: "part", range });
  });

  it.each([undefined, "", "bytes=-", "bytes=9-1", "items=0-1", "bytes=0-1,4-5", "bytes=a-b"])(
    "%s is the whole",
    (header) => {
      expect(answerRange(header, undefined, '"e"', 100)).toEqual({ kind: "whole" });
    },
  );

  it("what lies past the end cannot be had", () => {
    expect(answerRange("bytes=100-", undefined, '"e"', 100).kind).toBe("unsatisfiable");
    expect(answerRange("bytes=0-", undefined, '"e"', 0).kind).toBe("unsatisfiable");
    expect(answerRange("bytes=-0", undefined, '"e"', 100).kind).toBe("unsatisfiable");
  });

  it("If-Range holds only for the same file", () => {
    expect(answerRange("bytes=1-", '"e"', '"e"', 100).kind).toBe("part");
    expect(answerRange("bytes=1-", '"other"', '"e"', 100).kind).toBe("whole");
  });
});
