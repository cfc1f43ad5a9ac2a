import koffi from "koffi";
import { structLayouts } from "./struct-layouts.js";
import type { LlamaLibrary } from "./llama-library.js";

/** `enum ggml_log_level` */
const LEVEL_ERROR = 4;
const LEVEL_CONTINUE = 5;

/**
 * Collects what llama.cpp logs while it loads. Outside {@link LogCollector.during} (and the opening of the
 * backends) a native function that does nothing takes the log, as in llama-bench: no JavaScript runs in a
 * timed window, and a worker thread that logs cannot wait for the blocked JavaScript thread.
 */
export class LogCollector {
  private library: LlamaLibrary | undefined;
  private callback: bigint | undefined;
  private partial = "";
  private level = 0;
  private lines: string[] = [];
  private errors: string[] = [];

  /**
   * @param writeError takes each complete line that llama.cpp logs as an error (every line when verbose)
   */
  constructor(
    private readonly verbose: boolean,
    private readonly writeError: (line: string) => void,
  ) {}

  /** Starts to listen; the log of opening backends is collected from here to the first {@link take}. */
  attach(library: LlamaLibrary): void {
    this.library = library;
    this.callback = koffi.register(
      (level: number, text: bigint) => this.accept(level, koffi.decode.string(text)),
      koffi.pointer(structLayouts().logCallback),
    );
    library.logSet(this.callback, null);
  }

  /** Runs native code on this thread with its log collected. */
  during<T>(work: () => T): T {
    this.errors = [];
    this.library?.logSet(this.callback ?? null, null);
    try {
      return work();
    } finally {
      this.flush();
      this.silence();
    }
  }

  /** Hands over the lines collected since the last call, and stops listening. */
  take(): string[] {
    this.flush();
    this.silence();
    const lines = this.lines;
    this.lines = [];
    return lines;
  }

  /** `: <first error that llama.cpp logged in the last {@link during}>` or nothing; later ones only repeat it. */
  reason(): string {
    const first = this.errors[0];
    return first === undefined ? "" : `: ${first}`;
  }

  private accept(level: number, text: string): void {
    if (level !== LEVEL_CONTINUE) this.level = level;
    const parts = (this.partial + text).split("\n");
    this.partial = parts.pop() ?? "";
    for (const line of parts) this.keep(line);
  }

  private flush(): void {
    if (this.partial !== "") this.keep(this.partial);
    this.partial = "";
  }

  private keep(line: string): void {
    this.lines.push(line);
    if (this.level === LEVEL_ERROR) this.errors.push(line.trim());
    if (this.verbose || this.level === LEVEL_ERROR) this.writeError(line);
  }

  private silence(): void {
    this.library?.logSet(this.library.silentLogCallback, null);
  }
}
