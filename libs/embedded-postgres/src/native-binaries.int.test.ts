import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findNativeBinaries, prepareBinaries } from "./native-binaries.js";

const whenRoot = process.getuid?.() === 0 ? test : test.skip;
const NOBODY = { uid: 65534, gid: 65534 };

test("a platform without binaries is told what to do instead", () => {
  expect(() => findNativeBinaries("freebsd", "x64")).toThrow(/DATABASE_URL/);
  expect(() => findNativeBinaries("linux", "riscv64")).toThrow(/no embedded PostgreSQL/);
});

test("library links that an install without scripts left out are restored", () => {
  const found = findNativeBinaries();
  const dir = mkdtempSync(join(tmpdir(), "benchfarm-native-"));
  try {
    cpSync(found.nativeDir, join(dir, "native"), { recursive: true, verbatimSymlinks: true });
    const link = join(dir, "native", "lib", "libpq.so.5");
    if (!existsSync(link)) return; // only Linux carries this one
    unlinkSync(link);
    prepareBinaries({ ...found, nativeDir: join(dir, "native") }, null, () => undefined);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(existsSync(link)).toBe(true);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

whenRoot("programs in a closed folder are copied once to where nobody may run them", () => {
  const found = findNativeBinaries();
  const closed = mkdtempSync(join(tmpdir(), "benchfarm-closed-"));
  chmodSync(closed, 0o700);
  const nativeDir = join(closed, "native");
  let copyDir: string | undefined;
  try {
    cpSync(found.nativeDir, nativeDir, { recursive: true, verbatimSymlinks: true });
    const said: string[] = [];
    const prepared = prepareBinaries({ ...found, nativeDir }, NOBODY, (message) =>
      said.push(message),
    );
    copyDir = prepared.nativeDir;
    expect(copyDir).not.toContain(closed);
    const version = spawnSync(prepared.postgres, ["--version"], { ...NOBODY, cwd: "/" });
    expect(version.stdout.toString()).toContain(`PostgreSQL) ${found.major}.`);
    const madeAt = statSync(copyDir).ino;
    expect(prepareBinaries({ ...found, nativeDir }, NOBODY, () => undefined).nativeDir).toBe(
      copyDir,
    );
    expect(statSync(copyDir).ino).toBe(madeAt);
    expect(said).toHaveLength(1);
  } finally {
    rmSync(closed, { recursive: true, force: true });
    if (copyDir) rmSync(copyDir, { recursive: true, force: true });
  }
});
