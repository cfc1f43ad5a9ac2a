import { countPhysicalCores } from "./count-physical-cores.js";

const fromSiblings =
  (siblings: readonly string[]) =>
  (path: string): string => {
    const cpu = /cpu(\d+)\/topology\/thread_siblings$/u.exec(path)?.[1];
    const text = siblings[Number(cpu)];
    if (text === undefined) throw new Error("ENOENT");
    return `${text}\n`;
  };

test("threads of one core count once", () => {
  expect(countPhysicalCores(fromSiblings(["00000005", "0000000a", "00000005", "0000000a"]))).toBe(
    2,
  );
});

test("cores without hyperthreads count each", () => {
  expect(countPhysicalCores(fromSiblings(["1", "2", "4"]))).toBe(3);
});

test("without a topology there is at least one core", () => {
  expect(countPhysicalCores(fromSiblings([]))).toBeGreaterThanOrEqual(1);
});
