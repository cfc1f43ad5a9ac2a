import { newId, type HistoryEvent } from "@benchfarm/contracts";
import { Prisma, type Tx } from "./database/database.js";
import { decodeCursor, pageFrom, type Page, type PageRequest } from "./page.js";

/** What changed, for whom, by whom. `kind` is `<subject>.<past participle>`, such as `device.quarantined`. */
export interface NewEvent {
  orgId: string;
  kind: string;
  subjectKind: string;
  subjectId: string;
  /** Such as `key_…`, `agt_…`, `anonymous` or `farm`. */
  actor: string;
  data?: Prisma.InputJsonObject;
}

/** Writes one event in the transaction of the change it tells of. */
export async function recordEvent(tx: Tx, event: NewEvent): Promise<void> {
  await recordEvents(tx, [event]);
}

/** Writes many events with one statement, in this order. */
export async function recordEvents(tx: Tx, events: NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.$executeRaw(Prisma.sql`
    insert into event (id, org_id, kind, subject_kind, subject_id, actor, data)
    select * from unnest(
      ${events.map(() => newId("event"))}::text[], ${events.map((e) => e.orgId)}::text[],
      ${events.map((e) => e.kind)}::text[], ${events.map((e) => e.subjectKind)}::text[],
      ${events.map((e) => e.subjectId)}::text[], ${events.map((e) => e.actor)}::text[],
      ${events.map((e) => JSON.stringify(e.data ?? {}))}::jsonb[])`);
}

/** A subject's history, newest first. */
export async function listEvents(
  tx: Tx,
  orgId: string,
  subjectKind: string,
  subjectId: string,
  page: PageRequest,
): Promise<Page<HistoryEvent>> {
  const rows = await tx.event.findMany({
    where: {
      orgId,
      subjectKind,
      subjectId,
      ...(page.cursor === undefined ? {} : { sequence: { lt: BigInt(decodeCursor(page.cursor)) } }),
    },
    orderBy: { sequence: "desc" },
    take: page.limit + 1,
  });
  return pageFrom(
    rows,
    page.limit,
    (row) => String(row.sequence),
    (row) => ({
      id: row.id,
      sequence: Number(row.sequence),
      kind: row.kind,
      subjectKind: row.subjectKind,
      subjectId: row.subjectId,
      actor: row.actor,
      data: row.data as Record<string, unknown>,
      at: row.at.toISOString(),
    }),
  );
}
