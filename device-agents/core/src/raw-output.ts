/** What the contract keeps of each stream, from its end. */
const STREAM_LIMIT = 64 * 1024;

/** The end of a text, at most `limit` characters. */
export function tail(text: string, limit = STREAM_LIMIT): string {
  return text.length <= limit ? text : text.slice(text.length - limit);
}

/** Standard output, then standard error, each cut from its end to 64 KiB. */
export function rawOutputOf(stdout: string, stderr: string): string {
  return [tail(stdout), tail(stderr)].filter((text) => text !== "").join("\n");
}
