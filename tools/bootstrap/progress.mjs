// Progress goes to stderr: what a command prints on stdout is for whoever pipes it.

const PLAIN_INTERVAL_MS = 15_000;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

function elapsed(startMs) {
  const seconds = Math.round((performance.now() - startMs) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * Shows that `work` is under way: one changing line with the elapsed time on a terminal, else a plain line at the start,
 * every 15 s and at the end. `detail` is asked for more words each time. Returns what `work` returns; a result with a `code`
 * other than 0 is shown as a failure.
 */
export async function withProgress(title, work, detail = () => "") {
  const startMs = performance.now();
  const out = process.stderr;
  const interactive = out.isTTY && process.env.CI === undefined;
  const words = () => {
    const more = detail();
    return more ? `${title} (${more})` : title;
  };
  let frame = 0;
  const draw = () => {
    const line = `${SPINNER[frame++ % SPINNER.length]} ${words()} ${elapsed(startMs)}`;
    out.write(`\r\x1b[K${line.slice(0, Math.max(20, (out.columns ?? 80) - 1))}`);
  };
  const say = () => out.write(`  ${words()} ${elapsed(startMs)}\n`);
  const end = (how) =>
    out.write(`${interactive ? "\r\x1b[K" : ""}${title}: ${how} ${elapsed(startMs)}\n`);
  if (interactive) draw();
  else out.write(`${title} ...\n`);
  const timer = setInterval(interactive ? draw : say, interactive ? 120 : PLAIN_INTERVAL_MS);
  try {
    const result = await work();
    end((result?.code ?? 0) === 0 ? "done in" : "failed after");
    return result;
  } catch (error) {
    end("failed after");
    throw error;
  } finally {
    clearInterval(timer);
  }
}
