/** Rows of llama-bench's JSON or JSON lines, or why there are none. */
export type RowsOutcome =
  | { kind: "rows"; rows: Record<string, unknown>[] }
  | { kind: "non_finite"; message: string }
  | { kind: "unreadable"; message: string };

const NON_FINITE = /[:[,]\s*-?(?:nan|inf(?:inity)?)\b/i;

/** JSON with its string literals emptied, so that a file called `nan.gguf` is not a number. */
const withoutStrings = (text: string) => text.replace(/"(?:[^"\\]|\\.)*"/g, '""');

/**
 * Reads the output of `-o json` (one array) or `-o jsonl` (one object a line); which one is told by its first character. All of
 * the text must be JSON: a log line, a cut-off row or a decimal comma makes it unreadable as a whole.
 */
export function readRows(stdout: string): RowsOutcome {
  const text = stdout.trim();
  if (text === "") return { kind: "unreadable", message: "the engine printed nothing" };
  const pieces = text.startsWith("[") ? [text] : text.split(/\r?\n/).filter((l) => l.trim() !== "");
  const rows: Record<string, unknown>[] = [];
  for (const piece of pieces) {
    let value: unknown;
    try {
      value = JSON.parse(piece);
    } catch (error) {
      if (NON_FINITE.test(withoutStrings(piece))) {
        return {
          kind: "non_finite",
          message: `the engine printed a value that is not a finite number: ${piece.slice(0, 500)}`,
        };
      }
      return {
        kind: "unreadable",
        message: `the engine's output is not JSON (${error instanceof Error ? error.message : String(error)}): ${piece.slice(0, 500)}`,
      };
    }
    for (const row of Array.isArray(value) ? value : [value]) {
      if (typeof row !== "object" || row === null || Array.isArray(row)) {
        return { kind: "unreadable", message: "the engine's output holds no result rows" };
      }
      rows.push(row as Record<string, unknown>);
    }
  }
  return { kind: "rows", rows };
}
