import { createLogUpdate } from "log-update";

/**
 * What a command shows while it works: on a terminal a few lines that are redrawn in place, elsewhere (a log, CI) one plain line
 * for each change. Everything goes to standard error, so that standard output holds results only.
 */
export interface Screen {
  /** Replaces what is in progress. `plain` is the line for a log; the same line is not printed twice in a row. */
  progress(lines: string[], plain: string): void;
  /** A line that stays. */
  line(text: string): void;
  /** Clears what was in progress. */
  clear(): void;
}

/** A screen over a stream; `interactive` says whether lines can be redrawn. */
export function createScreen(stream: NodeJS.WriteStream, interactive: boolean): Screen {
  const update = createLogUpdate(stream, { showCursor: true });
  let lastPlain = "";
  return {
    progress(lines, plain) {
      if (interactive) {
        update(lines.join("\n"));
      } else if (plain !== lastPlain) {
        lastPlain = plain;
        stream.write(`${plain}\n`);
      }
    },
    line(text) {
      if (interactive) update.clear();
      stream.write(`${text}\n`);
    },
    clear() {
      if (interactive) update.clear();
    },
  };
}
