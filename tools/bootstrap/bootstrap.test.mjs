import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { once } from "node:events";

import { summarizeJest } from "./run-tests.mjs";

const TOOLS = join(__dirname, "..");

function suite(status, assertions = []) {
  return { status, assertionResults: assertions.map((state) => ({ status: state })) };
}

function jestResult(fields, suites) {
  return {
    success: true,
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    wasInterrupted: false,
    testResults: suites,
    ...fields,
  };
}

describe("the closing line of npm test", () => {
  test("counts all suites", () => {
    const results = jestResult({ numPassedTests: 3, numPendingTests: 1, numTodoTests: 1 }, [
      suite("passed", ["passed", "passed"]),
      suite("passed", ["passed", "pending", "todo"]),
    ]);
    expect(summarizeJest(results)).toEqual({ line: "3 passed, 0 failed, 2 skipped", ok: true });
  });

  test("a suite that could not run is a failure", () => {
    const results = jestResult({ success: false, numPassedTests: 3 }, [
      suite("passed", ["passed"]),
      suite("failed"),
    ]);
    expect(summarizeJest(results)).toEqual({ line: "3 passed, 1 failed", ok: false });
  });

  test("failed tests are not counted twice", () => {
    const results = jestResult({ success: false, numPassedTests: 1, numFailedTests: 2 }, [
      suite("failed", ["passed", "failed", "failed"]),
    ]);
    expect(summarizeJest(results)).toEqual({ line: "1 passed, 2 failed", ok: false });
  });

  test("nothing run, or no result at all, is no success", () => {
    expect(summarizeJest(jestResult({}, []))).toEqual({ line: "0 passed, 0 failed", ok: false });
    expect(summarizeJest(null)).toEqual({ line: "0 passed, 1 failed", ok: false });
  });
});

/** A checkout of its own, with the tools and a lock file that asks for one package from a folder. */
function makeCheckout() {
  const root = mkdtempSync(join(tmpdir(), "benchfarm-bootstrap-"));
  mkdirSync(join(root, "tools"));
  cpSync(join(TOOLS, "bootstrap.mjs"), join(root, "tools", "bootstrap.mjs"));
  cpSync(join(TOOLS, "bootstrap"), join(root, "tools", "bootstrap"), { recursive: true });
  const write = (path, content) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(
      join(root, path),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  };
  return { root, write, remove: () => rmSync(root, { recursive: true, force: true }) };
}

describe("installing", () => {
  const locked = (version) => ({
    name: "x",
    lockfileVersion: 3,
    packages: {
      "": { name: "x" },
      "node_modules/a": { version },
      "node_modules/b": { version: "1.0.0", dev: true },
      "node_modules/c": { version: "1.0.0", optional: true, os: ["aix"] },
    },
  });

  function isInstalled(root, mode) {
    const code = `const { isInstalled } = await import(${JSON.stringify(join(root, "tools/bootstrap/install-packages.mjs"))});
      process.stdout.write(String(isInstalled(${JSON.stringify(mode)})));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    return stdout;
  }

  test("what npm recorded as installed decides, and a changed lock file asks again", () => {
    const { root, write, remove } = makeCheckout();
    try {
      write("package-lock.json", locked("1.0.0"));
      expect(isInstalled(root, "production")).toBe("false");
      write("node_modules/.package-lock.json", {
        packages: { "node_modules/a": { version: "1.0.0" } },
      });
      expect(isInstalled(root, "production")).toBe("true");
      expect(isInstalled(root, "full")).toBe("false");
      expect(
        JSON.parse(readFileSync(join(root, "node_modules/.benchfarm-install.json"), "utf8")),
      ).toMatchObject({
        mode: "production",
      });
      write("package-lock.json", locked("1.0.1"));
      expect(isInstalled(root, "production")).toBe("false");
    } finally {
      remove();
    }
  });

  test("a failing npm shows its words and says what to do", () => {
    const { root, write, remove } = makeCheckout();
    try {
      write("package.json", { name: "x", version: "1.0.0", dependencies: { a: "1.0.0" } });
      write("package-lock.json", { name: "x", version: "1.0.0", lockfileVersion: 3, packages: {} });
      const env = { ...process.env, npm_execpath: "" };
      const { status, stderr } = spawnSync(process.execPath, ["tools/bootstrap.mjs", "build"], {
        cwd: root,
        env,
        encoding: "utf8",
      });
      expect(status).toBe(1);
      expect(stderr).toContain("Missing: a@1.0.0 from lock file");
      expect(stderr).toMatch(/npm ci failed \(exit code 1\).*Try again/);
      expect(stderr).not.toMatch(/^\s+at /m);
      const tests = spawnSync(process.execPath, ["tools/bootstrap.mjs", "test"], {
        cwd: root,
        env,
        encoding: "utf8",
      });
      expect(tests.status).toBe(1);
      expect(tests.stdout).toBe("0 passed, 1 failed\n");
    } finally {
      remove();
    }
  });
});

describe("the lock of a checkout", () => {
  const holder = (root, holdMs) =>
    spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const { withCheckoutLock } = await import(${JSON.stringify(join(root, "tools/bootstrap/checkout-lock.mjs"))});
         await withCheckoutLock(async () => {
           process.stdout.write("in ");
           await new Promise((resolve) => setTimeout(resolve, ${holdMs}));
           process.stdout.write("out ");
         });`,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );

  test("holders follow one another", async () => {
    const { root, remove } = makeCheckout();
    try {
      let said = "";
      const holders = [1, 2, 3].map(() => holder(root, 150));
      for (const child of holders) child.stdout.on("data", (chunk) => (said += chunk));
      await Promise.all(holders.map((child) => once(child, "close")));
      expect(said).toBe("in out in out in out ");
      expect(existsSync(join(root, ".cache", "bootstrap.lock"))).toBe(false);
    } finally {
      remove();
    }
  });

  test("the lock of a killed holder is taken over, and so is one that is not kept up", async () => {
    const { root, write, remove } = makeCheckout();
    try {
      const first = holder(root, 60_000);
      await once(first.stdout, "data");
      first.kill("SIGKILL");
      await once(first, "exit");
      expect(existsSync(join(root, ".cache", "bootstrap.lock"))).toBe(true);
      const [code] = await once(holder(root, 1), "close");
      expect(code).toBe(0);

      // This process lives, but has not touched the lock for two minutes: its pid was reused.
      write(".cache/bootstrap.lock", `${process.pid} 1`);
      const past = new Date(Date.now() - 120_000);
      utimesSync(join(root, ".cache", "bootstrap.lock"), past, past);
      const [again] = await once(holder(root, 1), "close");
      expect(again).toBe(0);
    } finally {
      remove();
    }
  });
});

test("an unknown command lists those that exist", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(TOOLS, "bootstrap.mjs"), "demmo"], {
    encoding: "utf8",
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^unknown command "demmo"; there are: demo, /);
});
