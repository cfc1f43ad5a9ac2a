import assert from "node:assert/strict";
import { Conditions, DeviceDescription } from "@benchfarm/contracts";
import type { ExecutionPlan } from "@benchfarm/engines";
import type { DeviceHost, ExecuteOptions, ProcessMark, VerifiedArtifact } from "../device-host.js";

export interface HostCase {
  name: string;
  check: (host: DeviceHost) => Promise<void>;
}

/** Plans that a host under test can run, by how they end. */
export interface HostProbes {
  artifact: VerifiedArtifact;
  /** Ends well at once and prints `stdout`. */
  prints: { plan: ExecutionPlan; stdout: string };
  /** Ends with this exit code. */
  fails: { plan: ExecutionPlan; exitCode: number };
  /** Does not end by itself. */
  hangs: ExecutionPlan;
  /** Names a program that the device does not have. */
  missing: ExecutionPlan;
}

const options = (over: Partial<ExecuteOptions> = {}): ExecuteOptions => ({
  timeoutMs: 20_000,
  signal: new AbortController().signal,
  onStart: () => undefined,
  ...over,
});

/** What every host must hold to; a test file gives each check a fresh host and disposes of it. */
export function hostConformance(probes: HostProbes): HostCase[] {
  const cases: Record<string, HostCase["check"]> = {
    "describes its device as the contract wants it, and the same twice": async (host) => {
      const one = await host.describe();
      DeviceDescription.parse(one.device);
      const two = await host.describe();
      assert.equal(two.device.localId, one.device.localId);
      assert.deepEqual(two.device.engines, one.device.engines);
      assert.ok(one.gate.windowMs > 0);
      assert.ok(one.defaultThreads === null || one.defaultThreads > 0);
    },
    "reads its sensors as the contract wants them": async (host) => {
      Conditions.parse(await host.sensors());
      const { cpuBusyFraction } = Conditions.parse(await host.sensors());
      assert.ok(cpuBusyFraction === null || (cpuBusyFraction >= 0 && cpuBusyFraction <= 1));
    },
    "puts a file where its engines can read it": async (host) => {
      assert.ok((await host.put(probes.artifact)).length > 0);
    },
    "runs a plan to its end and gives all it wrote": async (host) => {
      const marks: ProcessMark[] = [];
      const onStart = (mark: ProcessMark) => marks.push(mark);
      const execution = await host.exec(probes.prints.plan, options({ onStart }));
      assert.equal(execution.kind, "ended");
      if (execution.kind !== "ended") return;
      assert.equal(execution.output.stdout.trim(), probes.prints.stdout.trim());
      assert.equal(execution.output.exitCode, 0);
      assert.equal(execution.output.signal, null);
      assert.equal(execution.output.timedOut, false);
      assert.ok(execution.command.length > 0);
      assert.equal(marks.length, 1);
      assert.ok((marks[0]?.pid ?? 0) > 0);
    },
    "gives a failed process's exit code": async (host) => {
      const execution = await host.exec(probes.fails.plan, options());
      assert.equal(execution.kind, "ended");
      if (execution.kind === "ended") {
        assert.equal(execution.output.exitCode, probes.fails.exitCode);
      }
    },
    "ends a process whose time is over, and says so": async (host) => {
      const execution = await host.exec(probes.hangs, options({ timeoutMs: 300 }));
      assert.equal(execution.kind, "ended");
      if (execution.kind !== "ended") return;
      assert.equal(execution.output.timedOut, true);
      assert.notEqual(execution.output.exitCode, 0);
    },
    "ends a process when it is told to": async (host) => {
      const stopping = new AbortController();
      const onStart = () => setTimeout(() => stopping.abort(), 50);
      const execution = await host.exec(
        probes.hangs,
        options({ signal: stopping.signal, onStart }),
      );
      assert.equal(execution.kind, "ended");
      if (execution.kind !== "ended") return;
      assert.equal(execution.output.timedOut, false);
      assert.notEqual(execution.output.exitCode, 0);
    },
    "starts nothing when it was told to stop before": async (host) => {
      const execution = await host.exec(
        probes.hangs,
        options({ signal: AbortSignal.abort(), timeoutMs: 5_000 }),
      );
      assert.ok(execution.kind === "ended" && execution.output.exitCode !== 0);
    },
    "says when it has no such program": async (host) => {
      const execution = await host.exec(probes.missing, options());
      assert.equal(execution.kind, "missing");
    },
    "settles, with nothing and with a process that is long gone": async (host) => {
      await host.settle([]);
      await host.settle([{ pid: 2_147_480_000, startedAs: "long ago" }]);
    },
  };
  return Object.entries(cases).map(([name, check]) => ({ name, check }));
}
