import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PASSWORD_FILE } from "./data-folder.js";
import type { PostmasterNote } from "./data-folder.js";

/** The superuser of every embedded server. */
export const SUPERUSER = "app";

/**
 * URL of a database on the server that listens so. Over a unix socket the host part reads `localhost`, because URL
 * parsers reject an empty one, and the folder follows as `?host=`, which every driver in use prefers.
 */
export function serverUrl(
  listening: NonNullable<PostmasterNote["listening"]>,
  dataDir: string,
  database = "postgres",
): string {
  const name = encodeURIComponent(database);
  if (listening.socketDir !== "") {
    return `postgresql://${SUPERUSER}@localhost/${name}?host=${encodeURIComponent(listening.socketDir)}`;
  }
  const password = readFileSync(join(dataDir, PASSWORD_FILE), "utf8").trim();
  return `postgresql://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${listening.port}/${name}`;
}

/** The same server and credentials, another database. */
export function withDatabase(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${encodeURIComponent(database)}`;
  return parsed.href;
}

/** Quotes a name for SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
