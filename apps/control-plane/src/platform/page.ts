import { Problem } from "@benchfarm/contracts";

/** One page of a list and how to get the next. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

/** The opaque cursor after the item with this id. */
export function encodeCursor(id: string): string {
  return Buffer.from(id, "utf8").toString("base64url");
}

/** The id behind a cursor; throws Problem `invalid_request` for a text that is no cursor of ours. */
export function decodeCursor(cursor: string): string {
  const id = Buffer.from(cursor, "base64url").toString("utf8");
  if (!/^[\w-]{1,100}$/.test(id) || encodeCursor(id) !== cursor) {
    throw new Problem(
      "invalid_request",
      "`cursor` is not one that this farm gave; start again without it",
      [{ path: "query.cursor", message: "expected the nextCursor of the page before" }],
    );
  }
  return id;
}

/**
 * Prisma's part of a page query ordered by id, newest first: `{ where: { orgId, ...pageWhere(page) }, orderBy: NEWEST_FIRST,
 * take: page.limit + 1 }`. The one row more tells `pageFrom` whether there is a next page.
 */
export function pageWhere(page: PageRequest): { id?: { lt: string } } {
  return page.cursor === undefined ? {} : { id: { lt: decodeCursor(page.cursor) } };
}

export const NEWEST_FIRST = { id: "desc" } as const;

/** Cuts `rows`, read with one more than `limit`, to a page. */
export function pageFrom<Row, Item>(
  rows: Row[],
  limit: number,
  idOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: kept.map(toItem), nextCursor: more ? encodeCursor(idOf(last)) : null };
}
