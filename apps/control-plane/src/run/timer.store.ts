import { Prisma } from "../platform/database/database.js";

/** A reminder to look for leases that are over. */
export interface TimerEntry {
  key: string;
  delayMs: number;
}

/** The outbox row of a reminder as part of a larger statement: one row if `from` has one, none when there is no reminder. */
export function insertTimerSql(timer: TimerEntry | null, from: Prisma.Sql): Prisma.Sql {
  if (timer === null) return Prisma.sql`select 1`;
  return Prisma.sql`
    insert into outbox (task, key, not_before)
    select 'expire-leases', ${timer.key}, clock_timestamp() + ${timer.delayMs}::float8 * interval '1 millisecond'
    ${from} limit 1`;
}
