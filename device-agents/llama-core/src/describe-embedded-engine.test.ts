import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeEmbeddedEngine, llamaBenchProgramPath } from "./describe-embedded-engine.js";
import { digestBuild } from "./digest-build.js";
import { findLibraries } from "./find-libraries.js";

interface Report {
  readonly sharedObjects: readonly string[];
}

test("the installed engine is described from its files, without loading native code", async () => {
  const engine = await describeEmbeddedEngine();
  expect(engine).toMatchObject({ engine: "llama.cpp", version: "v0.4.0" });
  expect(engine?.package).toMatch(/^@node-llama-cpp\/.+@3\.21\.1$/u);
  expect(engine?.backends).toContain("cpu");
  const loaded = (process.report.getReport() as unknown as Report).sharedObjects;
  expect(loaded.length).toBeGreaterThan(0);
  expect(loaded.filter((path) => /llama|ggml/u.test(path))).toEqual([]);

  const { directory } = findLibraries();
  const hash = createHash("sha256");
  for (const name of readdirSync(directory).sort()) {
    if (!/\.(?:so|dylib|dll)$/u.test(name)) continue;
    hash.update(`${name}\0`).update(readFileSync(join(directory, name)) as Uint8Array);
  }
  expect(engine?.buildDigest).toBe(hash.digest("hex"));
});

test("the digest tells contents and names apart and ignores other files", async () => {
  const make = (files: Readonly<Record<string, string>>): string => {
    const folder = mkdtempSync(join(tmpdir(), "digest-build-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  };
  const digest = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const folder = make(files);
    try {
      return await digestBuild(folder, readdirSync(folder));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const one = await digest({ "liba.so": "1", "libb.so": "2" });
  expect(await digest({ "libb.so": "2", "liba.so": "1", "notes.json": "{}" })).toBe(one);
  expect(await digest({ "liba.so": "1", "libb.so": "3" })).not.toBe(one);
  expect(await digest({ "liba.so": "1", "libc.so": "2" })).not.toBe(one);
});

test("a package that is not installed is null, and the program is told which package to use", async () => {
  const packageName = "@node-llama-cpp/linux-x64-cuda";
  expect(await describeEmbeddedEngine({ packageName })).toBeNull();
  const program = llamaBenchProgramPath({ packageName });
  expect(program.command).toBe(process.execPath);
  expect(program.args.slice(-2)).toEqual(["--native-package", packageName]);
  expect(existsSync(program.args.at(-3) ?? "")).toBe(true);
});
