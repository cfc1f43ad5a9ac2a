import {
  AttemptEndReason,
  FailureCode,
  WorkloadSpec,
  type RunOutcome,
  type RunState,
} from "@benchfarm/contracts";
import {
  acceptedEndReason,
  END_REASONS,
  FAILURES,
  judgeReport,
  MAX_DISPATCHES,
} from "./attempt.rules.js";
import { leaseDurationMs, phaseAfterHeartbeat } from "./lease.rules.js";
import {
  decideEnd,
  decideFailure,
  decideMeasured,
  estimateMs,
  lateResultCounts,
  limitsFor,
  retryDelayMs,
  type RunBudget,
} from "./run.rules.js";
import { virtualFinishTimes } from "./share.rules.js";

const budget = (over: Partial<RunBudget> = {}): RunBudget => ({
  state: "active",
  dispatchCount: 1,
  chargedCount: 0,
  maxAttempts: 3,
  ...over,
});

describe("decideEnd", () => {
  const table: [AttemptEndReason, boolean, "queued" | RunOutcome, string][] = [
    ["completed", false, "succeeded", "cleaning"],
    ["run_failed", false, "failed", "cleaning"],
    ["run_invalid", false, "invalid", "cleaning"],
    ["timed_out", false, "timed_out", "cleaning"],
    ["lease_lost", true, "queued", "unreachable"],
    ["agent_crash", true, "queued", "cleaning"],
    ["device_lost", true, "queued", "cleaning"],
    ["gate_timeout", false, "queued", "cleaning"],
    ["preempted", false, "queued", "cleaning"],
    ["drained", false, "queued", "cleaning"],
    ["offer_lapsed", false, "queued", "ready"],
    ["canceled", false, "canceled", "cleaning"],
    ["server_fault", false, "queued", "cleaning"],
  ];

  it("has a row for every end reason", () => {
    expect(table.map(([reason]) => reason).sort()).toEqual([...AttemptEndReason.options].sort());
  });

  it.each(table)("%s: charged %s, run %s, device %s", (reason, charged, becomes, device) => {
    const ending = decideEnd(reason, budget(), "why");
    expect(ending).toMatchObject({ endReason: reason, charged, device });
    expect(ending.run.kind === "queued" ? "queued" : ending.run.outcome).toBe(becomes);
  });

  it.each(["lease_lost", "agent_crash", "device_lost"] as const)(
    "%s is the last when the budget is spent",
    (reason) => {
      expect(decideEnd(reason, budget({ chargedCount: 1 }), "why").run.kind).toBe("queued");
      const last = decideEnd(reason, budget({ chargedCount: 2 }), "why");
      expect(last.charged).toBe(true);
      expect(last.run).toEqual({
        kind: "done",
        outcome: "infra_error",
        reason: "why; 3 of 3 attempts were lost",
      });
    },
  );

  it("never hands a run out more than the bound, whatever ended its attempts", () => {
    for (const reason of AttemptEndReason.options) {
      const ending = decideEnd(
        reason,
        budget({ dispatchCount: MAX_DISPATCHES, maxAttempts: 10 }),
        "why",
      );
      expect(ending.run.kind).toBe("done");
    }
  });

  it("ends a canceled run as canceled, whatever its attempt died of", () => {
    for (const reason of AttemptEndReason.options) {
      const ending = decideEnd(reason, budget({ state: "canceling" }), "why");
      expect(ending.run).toMatchObject({ kind: "done", outcome: "canceled" });
    }
  });

  it("never charges past the budget", () => {
    for (const reason of AttemptEndReason.options) {
      const ending = decideEnd(reason, budget({ chargedCount: 3 }), "why");
      expect(ending.charged).toBe(false);
      if (END_REASONS[reason].charged) expect(ending.run.kind).toBe("done");
    }
  });
});

describe("decideFailure", () => {
  const transient: FailureCode[] = [
    "artifact_unavailable",
    "artifact_corrupt",
    "disk_full",
    "gate_timeout",
    "agent_failed",
    "device_lost",
  ];

  it.each(FailureCode.options)("%s", (code) => {
    const { run } = decideFailure(code, budget(), "why");
    expect(run.kind).toBe(transient.includes(code) ? "queued" : "done");
    expect(FAILURES[code].transient).toBe(transient.includes(code));
    const spent = decideFailure(code, budget({ dispatchCount: 3, chargedCount: 2 }), "why");
    expect(spent.run.kind).toBe("done");
    const canceled = decideFailure(code, budget({ state: "canceling" }), "why");
    expect(canceled.run).toMatchObject({ outcome: "canceled" });
  });
});

it("decideMeasured: an invalid measurement is not a success, a held one is", () => {
  expect(decideMeasured("valid").run).toMatchObject({ outcome: "succeeded" });
  expect(decideMeasured("held").run).toMatchObject({ outcome: "succeeded" });
  expect(decideMeasured("invalid")).toMatchObject({
    endReason: "run_invalid",
    run: { outcome: "invalid" },
  });
});

it("lateResultCounts while the run is not done and nobody newer has begun", () => {
  expect(lateResultCounts("queued", null)).toBe(true);
  expect(lateResultCounts("active", "offered")).toBe(true);
  expect(lateResultCounts("active", "accepted")).toBe(false);
  expect(lateResultCounts("active", "measuring")).toBe(false);
  expect(lateResultCounts("done", null)).toBe(false);
});

it("retryDelayMs grows with each dispatch, to a minute at most", () => {
  expect(retryDelayMs("none", 5, 90_000)).toBe(0);
  expect(retryDelayMs("loss", 5, 90_000)).toBe(90_000);
  expect([1, 2, 3, 10].map((n) => retryDelayMs("backoff", n, 0))).toEqual([
    2000, 4000, 8000, 60_000,
  ]);
});

describe("acceptedEndReason", () => {
  it.each([
    ["drained", "active", "drained"],
    ["canceled", "canceling", "canceled"],
    ["canceled", "active", "drained"],
    ["completed", "active", null],
    ["run_failed", "active", null],
    ["lease_lost", "active", null],
    ["offer_lapsed", "active", null],
    ["device_lost", "canceling", "device_lost"],
  ] as [AttemptEndReason, RunState, AttemptEndReason | null][])(
    "%s of a run that is %s is %s",
    (stated, state, accepted) => expect(acceptedEndReason(stated, state)).toBe(accepted),
  );
});

describe("judgeReport", () => {
  const held = {
    phase: "measuring" as const,
    leaseEpoch: 4,
    hasStoredResult: false,
    runState: "active" as const,
  };
  const judge = (over: Partial<Parameters<typeof judgeReport>[0]>, epoch = 4, hasResult = false) =>
    judgeReport({ ...held, ...over }, { epoch, hasResult });

  it("tells of each case what to do", () => {
    expect(judge({})).toMatchObject({ directive: "keep", end: null });
    expect(judge({}, 4, true)).toMatchObject({ directive: "send_result", end: null });
    expect(judge({}, 3)).toMatchObject({ directive: "stop", end: null });
    expect(judge({ runState: "canceling" })).toMatchObject({ directive: "stop", end: "canceled" });
    expect(judge({ runState: "canceling" }, 4, true)).toMatchObject({ directive: "send_result" });
    expect(judge({ phase: "offered" })).toMatchObject({ directive: "stop", end: "offer_lapsed" });
    expect(judge({ phase: "ended" })).toMatchObject({ directive: "stop", end: null });
    expect(judge({ phase: "ended" }, 4, true)).toMatchObject({ directive: "send_result" });
    expect(judge({ phase: "ended", hasStoredResult: true }, 4, true).directive).toBe("stop");
    expect(judgeReport(null, { epoch: 1, hasResult: true }).directive).toBe("stop");
  });
});

it("a heartbeat only moves a phase forward, and never ends it", () => {
  expect(phaseAfterHeartbeat("accepted", "measuring")).toBe("measuring");
  expect(phaseAfterHeartbeat("measuring", "preparing")).toBe("measuring");
  expect(phaseAfterHeartbeat("measuring", "ended")).toBe("measuring");
  expect(phaseAfterHeartbeat("ended", "measuring")).toBe("ended");
});

it("a quiet window lengthens a lease, within the farm's bound", () => {
  expect(leaseDurationMs(60_000, 0, 600_000)).toBe(60_000);
  expect(leaseDurationMs(60_000, 300_000, 600_000)).toBe(360_000);
  expect(leaseDurationMs(60_000, 9e9, 600_000)).toBe(660_000);
});

it("virtualFinishTimes: a night's work queued first does not keep one run waiting that comes later", () => {
  const night = virtualFinishTimes(1000, 0, Array<number>(100).fill(60_000));
  expect(night[0]).toBe(1060);
  expect(night.at(-1)).toBe(7000);
  const [later] = virtualFinishTimes(1100, 0, [60_000]);
  expect(night.filter((at) => at < (later as number)).length).toBe(2);
  expect(virtualFinishTimes(1000, 5000, [1000])).toEqual([5001]);
  expect(virtualFinishTimes(0, 0, [4000], 4)).toEqual([1]);
});

it("limits grow with the workload and stay within a day", () => {
  const small = WorkloadSpec.parse({ promptTokens: 512, generatedTokens: 0 });
  const huge = WorkloadSpec.parse({
    promptTokens: 0,
    generatedTokens: 1_000_000,
    repetitions: 1000,
  });
  expect(estimateMs(huge)).toBeGreaterThan(estimateMs(small));
  expect(limitsFor(small).measureMs).toBe(1_800_000);
  expect(limitsFor(huge).measureMs).toBe(86_400_000);
});
