import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId, WorkloadSpec, type Assignment, type ResultSubmission } from "@benchfarm/contracts";
import { Journal } from "./journal.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "journal-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function assignment(): Assignment {
  return {
    attemptId: newId("attempt"),
    runId: newId("run"),
    deviceId: newId("device"),
    localId: "d",
    epoch: 3,
    claimId: newId("claim"),
    offerUntil: "2026-01-01T00:00:00.000Z",
    engine: { adapter: "fake", version: null },
    backend: "cpu",
    workload: WorkloadSpec.parse({ promptTokens: 8, generatedTokens: 0 }),
    artifact: {
      sha256: "0".repeat(64),
      sizeBytes: 1,
      fileName: "f",
      modelName: "m",
      quantName: "q",
      source: { kind: "file", fileName: "f" },
    },
    limits: { prepareMs: 1, gateMs: 1, measureMs: 1, repetitionMs: 1 },
  };
}

const result = (): ResultSubmission => ({
  resultId: newId("result"),
  failure: null,
  samples: [],
  engine: null,
  requestedBackend: "cpu",
  effectiveBackend: null,
  backendEvidence: [],
  settings: null,
  modelSha256: null,
  command: null,
  rawOutput: null,
  agentVersion: "0",
  phasesMs: { prepareMs: null, gateMs: null, measureMs: null },
});

describe("the journal", () => {
  it("holds an attempt from offer to delivered end, across closing", () => {
    const offered = assignment();
    const { attemptId } = offered;
    let journal = Journal.open(folder);
    journal.recordOffer(offered, 1);
    journal.recordOffer({ ...offered, epoch: 99 }, 2);
    journal.recordAccepted(attemptId, 2);
    journal.recordPhase(attemptId, "measuring", 3);
    journal.recordChild(attemptId, { pid: 5, startedAs: "x" }, 4);
    journal.close();
    journal = Journal.open(folder);
    expect(journal.unfinished()).toMatchObject([
      {
        attemptId,
        assignment: offered,
        phase: "measuring",
        accepted: true,
        child: { pid: 5, startedAs: "x" },
        result: null,
      },
    ]);
    const measured = result();
    journal.recordResult(attemptId, measured, 5);
    expect(journal.read(attemptId)).toMatchObject({
      result: measured,
      resultOpen: true,
      child: null,
    });
    journal.recordEnd(attemptId, "completed", null, 6);
    journal.closeResult(attemptId, 7);
    expect(journal.unfinished()).toMatchObject([{ resultOpen: false, endOpen: true }]);
    journal.closeEnd(attemptId, 8);
    expect(journal.unfinished()).toEqual([]);
    journal.forgetOld(8 + 8 * 24 * 3600 * 1000);
    expect(journal.read(attemptId)).toBeNull();
    journal.close();
  });

  it("loses nothing that was written, and is whole, when its process is killed in the middle of a write", async () => {
    const library = require.resolve("node-sqlite3-wasm");
    const path = join(folder, "journal.db");
    Journal.open(folder).close();
    // Writes rows as the journal does, as fast as it can, and says so after each.
    const program = `
      const { Database } = require(${JSON.stringify(library)});
      const { writeSync } = require("node:fs");
      const db = new Database(${JSON.stringify(path)});
      db.exec("pragma locking_mode = exclusive"); db.exec("pragma journal_mode = wal"); db.exec("pragma synchronous = full");
      const assignment = process.argv[1];
      for (let i = 0; ; i++) {
        const id = process.argv[2] + i;
        db.run("insert into attempt (attempt_id, assignment, phase, changed_at_ms) values (?, ?, 'offered', ?)", [id, assignment, i]);
        db.run("update attempt set result = ?, result_open = 1 where attempt_id = ?", [process.argv[3], id]);
        writeSync(1, id + "\\n");
      }`;
    let written = 0;
    for (let round = 0; round < 4; round += 1) {
      const long = { ...result(), rawOutput: "x".repeat(50_000) };
      const child = spawn(process.execPath, [
        "-e",
        program,
        JSON.stringify(assignment()),
        `r${round}-`,
        JSON.stringify(long),
      ]);
      let said = "";
      await new Promise<void>((resolve, reject) => {
        child.stderr.on("data", (chunk: Buffer) => reject(new Error(chunk.toString())));
        child.stdout.on("data", (chunk: Buffer) => {
          said += chunk.toString();
          if (said.split("\n").length > 20 + round * 7) resolve();
        });
      });
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await closed;
      expect(existsSync(`${path}.lock`)).toBe(true);
      written += said.trimEnd().split("\n").length;
      const journal = Journal.open(folder);
      const entries = journal.unfinished();
      expect(entries.length).toBeGreaterThanOrEqual(written);
      expect(entries.length).toBeLessThanOrEqual(written + round + 1);
      for (const id of said.trimEnd().split("\n")) {
        expect(journal.read(id)?.result?.rawOutput).toHaveLength(50_000);
      }
      journal.close();
    }
  });
});
