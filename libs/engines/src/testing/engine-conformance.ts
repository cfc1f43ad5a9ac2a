import assert from "node:assert/strict";
import type { Backend } from "@benchfarm/contracts";
import type { Engine, EngineTask, ProcessOutput } from "../engine.js";

export interface ConformanceCase {
  name: string;
  check: () => void;
}

/** A task and what a real program left when it made it. */
export interface GoodRepetition {
  name: string;
  task: EngineTask;
  output: ProcessOutput;
}

const positiveOrNull = (ns: number | null) =>
  assert.ok(ns === null || (Number.isSafeInteger(ns) && ns > 0), `not a time: ${ns}`);

/**
 * What every engine must hold to, as named checks that throw an AssertionError; a test file makes one test of each. `good` are
 * repetitions that ended well.
 */
export function engineConformance(engine: Engine, good: GoodRepetition[]): ConformanceCase[] {
  const fails = (task: EngineTask, output: ProcessOutput, what: string, code?: string) => {
    const outcome = engine.parse(task, output);
    assert.equal(outcome.kind, "failed", `measured ${what}`);
    if (outcome.kind === "failed" && code !== undefined) {
      assert.equal(outcome.failure.code, code, outcome.failure.message);
    }
  };

  return good.flatMap(({ name, task, output }): ConformanceCase[] => {
    const cases: Record<string, () => void> = {
      "supports what it measured": () => {
        assert.deepEqual(engine.supports(task), { kind: "supported" });
      },
      "plans the same for the same task, as plain data": () => {
        const plan = engine.plan(task);
        assert.deepEqual(engine.plan(task), plan);
        assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
        assert.ok(plan.args.includes(task.modelPath), "the plan does not name the model");
      },
      "reads one repetition with the tokens asked for and positive times": () => {
        const outcome = engine.parse(task, output);
        assert.equal(outcome.kind, "measured", JSON.stringify(outcome));
        if (outcome.kind !== "measured") return;
        assert.equal(outcome.samples.length, 1);
        const [sample] = outcome.samples;
        assert.ok(sample !== undefined);
        assert.equal(sample.promptTokens, task.workload.promptTokens);
        assert.equal(sample.generatedTokens, task.workload.generatedTokens);
        for (const ns of [sample.promptNs, sample.generationNs, sample.totalNs, sample.loadNs]) {
          positiveOrNull(ns);
        }
        assert.notEqual(sample.totalNs, null);
        assert.equal(outcome.effectiveBackend, task.backend);
        assert.notEqual(outcome.settings, null);
        assert.ok(outcome.evidence.length > 0, "no evidence of the backend");
        assert.deepEqual(engine.parse(task, output), outcome);
      },
      "reads nothing from an output cut anywhere": () => {
        const text = output.stdout.trimEnd();
        const step = Math.max(1, Math.floor(text.length / 50));
        for (let end = 0; end < text.length; end += step) {
          fails(
            task,
            { ...output, stdout: text.slice(0, end) },
            `${end} of ${text.length} characters`,
          );
        }
      },
      "reads nothing from garbage": () => {
        for (const stdout of ["", "\0\u{1f600}garbage", "{}", "[]", "[[]]", "null", "0", '{"a":']) {
          fails(task, { ...output, stdout }, JSON.stringify(stdout));
        }
        fails(
          task,
          { ...output, stdout: `${output.stdout}\nwarning: trailing words` },
          "trailing words",
        );
      },
      "reads nothing from an output where a number became nan or inf": () => {
        for (const word of ["nan", "-nan", "inf", "NaN", "Infinity"]) {
          const stdout = output.stdout.replace(/(_?ns"?i?: ?\[? ?|Ns": ?)(\d[\d.]*)/g, `$1${word}`);
          assert.notEqual(stdout, output.stdout);
          fails(task, { ...output, stdout }, word);
        }
      },
      "reads nothing from decimals with a comma": () => {
        const stdout = output.stdout.replace(/(\d)\.(\d+)(?=[,\s\]}])/g, "$1,$2");
        if (stdout !== output.stdout) fails(task, { ...output, stdout }, "a decimal comma");
      },
      "reads nothing from a process that did not end well": () => {
        fails(task, { ...output, exitCode: 1 }, "exit code 1");
        fails(task, { ...output, exitCode: null, signal: "SIGSEGV" }, "SIGSEGV", "engine_crashed");
        fails(
          task,
          { ...output, exitCode: null, signal: "SIGKILL", timedOut: true },
          "",
          "timed_out",
        );
        fails(
          task,
          { ...output, exitCode: null, signal: "SIGKILL", outOfMemory: true },
          "a process without memory",
          "out_of_memory",
        );
      },
      "refuses other token counts than it was asked for": () => {
        const { workload } = task;
        for (const more of [
          { promptTokens: workload.promptTokens + 1 },
          { generatedTokens: workload.generatedTokens + 1 },
        ]) {
          const other = { ...task, workload: { ...workload, ...more } };
          fails(other, output, JSON.stringify(more), "token_count_mismatch");
        }
      },
      "refuses another backend than it was asked for": () => {
        const backend: Backend = task.backend === "cuda" ? "metal" : "cuda";
        fails({ ...task, backend }, output, `${task.backend} for ${backend}`, "backend_mismatch");
        assert.equal(engine.supports({ ...task, backend }).kind, "unsupported");
      },
    };
    return Object.entries(cases).map(([check, run]) => ({ name: `${name}: ${check}`, check: run }));
  });
}
