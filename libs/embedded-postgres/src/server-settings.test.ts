import { withDatabase } from "./database-url.js";
import { serverSettings } from "./server-settings.js";

const GIB = 1024 ** 3;

test.each([
  [0.25, "32MB"],
  [1, "64MB"],
  [4, "256MB"],
  [64, "256MB"],
])("with %d GiB of memory shared buffers are %s", (gib, expected) => {
  expect(serverSettings("full", gib * GIB)).toContain(`shared_buffers=${expected}`);
});

test("no durability level switches synchronous commit off", () => {
  for (const durability of ["full", "disposable"] as const) {
    expect(serverSettings(durability).join()).not.toContain("synchronous_commit");
  }
});

test("another database of the same server keeps the socket folder", () => {
  expect(withDatabase("postgresql://app@localhost/postgres?host=%2Ftmp%2Fx", "a b")).toBe(
    "postgresql://app@localhost/a%20b?host=%2Ftmp%2Fx",
  );
});
