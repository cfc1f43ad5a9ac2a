import { bundleEntries } from "./bundle-entries.js";

const entry = (task: string, key: string, payload: unknown = {}) => ({ task, key, payload });

describe("bundling outbox entries", () => {
  it("merges equal keys and keeps the newest payload", () => {
    const messages = bundleEntries(
      [entry("a", "x", 1), entry("a", "y"), entry("a", "x", 2)],
      () => 1,
    );
    expect(messages).toEqual([
      { task: "a", items: [{ key: "x", payload: 2 }], dedupeKey: "x" },
      { task: "a", items: [{ key: "y", payload: {} }], dedupeKey: "y" },
    ]);
  });

  it("packs keys of a task with batches, and never two tasks together", () => {
    const entries = [..."abcde"].map((key) => entry("fold", key));
    const messages = bundleEntries([...entries, entry("settle", "a")], (task) =>
      task === "fold" ? 2 : 1,
    );
    expect(messages.map((m) => [m.task, m.items.map((i) => i.key).join(""), m.dedupeKey])).toEqual([
      ["fold", "ab", null],
      ["fold", "cd", null],
      ["fold", "e", "e"],
      ["settle", "a", "a"],
    ]);
    expect(bundleEntries([], () => 1)).toEqual([]);
  });
});
