import { rmSync } from "node:fs";
import { join } from "node:path";
import { Assignment, AttemptEndReason, AttemptPhase, ResultSubmission } from "@benchfarm/contracts";
import sqlite from "node-sqlite3-wasm";
import { z } from "zod";
import type { ProcessMark } from "./device-host.js";

const FILE = "journal.db";
/** As long as the farm takes late results. */
const KEEP_MS = 7 * 24 * 3600 * 1000;

const ProcessMarkShape = z.object({ pid: z.number().int(), startedAs: z.string().nullable() });
const json = <S extends z.ZodType>(shape: S) =>
  z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
    .pipe(shape);

const Entry = z
  .object({
    attempt_id: z.string(),
    assignment: json(Assignment),
    phase: AttemptPhase,
    accepted: z.number(),
    child: json(ProcessMarkShape).nullable(),
    result: json(ResultSubmission).nullable(),
    result_open: z.number(),
    end_reason: AttemptEndReason.nullable(),
    end_detail: z.string().nullable(),
    end_open: z.number(),
  })
  .transform((row) => ({
    attemptId: row.attempt_id,
    assignment: row.assignment,
    phase: row.phase,
    /** The farm said yes; work may have begun. */
    accepted: row.accepted === 1,
    child: row.child,
    result: row.result,
    /** The result is still to be delivered. */
    resultOpen: row.result_open === 1,
    endReason: row.end_reason,
    endDetail: row.end_detail,
    /** The end is still to be delivered. */
    endOpen: row.end_open === 1,
  }));
/** What the journal holds of one attempt. */
export type JournalEntry = z.infer<typeof Entry>;

/**
 * The agent's memory across crashes: one row an attempt, on disk before the step it allows. Every method is durable when it returns
 * (write-ahead log, synced). One process may have it open: hold the folder's lock.
 */
export class Journal {
  private constructor(private readonly database: InstanceType<typeof sqlite.Database>) {}

  static open(folder: string): Journal {
    const path = join(folder, FILE);
    // The library locks by a folder that outlives a killed process; the folder's own lock has shown that none is left.
    rmSync(`${path}.lock`, { recursive: true, force: true });
    const database = new sqlite.Database(path);
    // Order matters: only in exclusive mode does this build have a write-ahead log, and its rollback journal is not replayed after a
    // crash, because the library takes its own lock for that of another writer.
    database.exec("pragma locking_mode = exclusive");
    database.exec("pragma journal_mode = wal");
    database.exec("pragma synchronous = full");
    database.exec(`create table if not exists attempt (
      attempt_id text primary key,
      assignment text not null,
      phase text not null,
      accepted integer not null default 0,
      child text,
      result text,
      result_open integer not null default 0,
      end_reason text,
      end_detail text,
      end_open integer not null default 0,
      changed_at_ms real not null
    )`);
    return new Journal(database);
  }

  /** Before accept is called: from here on the attempt cannot be forgotten. */
  recordOffer(assignment: Assignment, nowMs: number): void {
    this.database.run(
      `insert into attempt (attempt_id, assignment, phase, changed_at_ms) values (?, ?, 'offered', ?)
       on conflict (attempt_id) do nothing`,
      [assignment.attemptId, JSON.stringify(assignment), nowMs],
    );
  }

  recordAccepted(attemptId: string, nowMs: number): void {
    this.change("accepted = 1, phase = 'accepted'", [], attemptId, nowMs);
  }

  recordPhase(attemptId: string, phase: AttemptPhase, nowMs: number): void {
    this.change("phase = ?", [phase], attemptId, nowMs);
  }

  /** The engine process of the attempt, so that a later agent can end it; null when it has ended. */
  recordChild(attemptId: string, child: ProcessMark | null, nowMs: number): void {
    this.change("child = ?", [child === null ? null : JSON.stringify(child)], attemptId, nowMs);
  }

  /** Before it is submitted: what was measured is not lost with the farm or the agent away. */
  recordResult(attemptId: string, result: ResultSubmission, nowMs: number): void {
    this.change(
      "result = ?, result_open = 1, phase = 'finalizing', child = null",
      [JSON.stringify(result)],
      attemptId,
      nowMs,
    );
  }

  recordEnd(
    attemptId: string,
    reason: AttemptEndReason,
    detail: string | null,
    nowMs: number,
  ): void {
    this.change(
      "end_reason = ?, end_detail = ?, end_open = 1, phase = 'ended', child = null",
      [reason, detail],
      attemptId,
      nowMs,
    );
  }

  /** The farm has the result, or will never take it; the evidence stays here. */
  closeResult(attemptId: string, nowMs: number): void {
    this.change("result_open = 0", [], attemptId, nowMs);
  }

  closeEnd(attemptId: string, nowMs: number): void {
    this.change("end_open = 0, phase = 'ended'", [], attemptId, nowMs);
  }

  /** Attempts that are not over, or of which something is still to be delivered, oldest first. */
  unfinished(): JournalEntry[] {
    return this.database
      .all(
        "select * from attempt where phase <> 'ended' or result_open = 1 or end_open = 1 order by rowid",
      )
      .map((row) => Entry.parse(row));
  }

  read(attemptId: string): JournalEntry | null {
    const row = this.database.get("select * from attempt where attempt_id = ?", [attemptId]);
    return row === null || row === undefined ? null : Entry.parse(row);
  }

  /** Drops attempts that are over and delivered, or that the farm would no longer take. */
  forgetOld(nowMs: number): void {
    this.database.run("delete from attempt where changed_at_ms < ?", [nowMs - KEEP_MS]);
  }

  close(): void {
    this.database.close();
  }

  private change(
    assignments: string,
    values: (string | null)[],
    attemptId: string,
    nowMs: number,
  ): void {
    this.database.run(`update attempt set ${assignments}, changed_at_ms = ? where attempt_id = ?`, [
      ...values,
      nowMs,
      attemptId,
    ]);
  }
}
