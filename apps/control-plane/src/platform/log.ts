import { Injectable, type LoggerService } from "@nestjs/common";
import { pino, type Logger } from "pino";
import { Config } from "./config.js";

/** Parts of Nest that tell one line per module and route at each start. */
const CHATTY = new Set(["InstanceLoader", "NestFactory", "RouterExplorer", "RoutesResolver"]);

/** Structured logs, one JSON object per line on standard output. */
@Injectable()
export class Log implements LoggerService {
  readonly pino: Logger;

  constructor(config: Config) {
    this.pino = pino({
      level: config.logLevel,
      base: { role: config.role },
      // The database driver hangs its whole connection on an error.
      serializers: {
        err: (error: Error) => ({ ...pino.stdSerializers.err(error), client: undefined }),
      },
      timestamp: pino.stdTimeFunctions.isoTime,
    });
  }

  log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    const chatty = typeof context === "string" && CHATTY.has(context);
    this.#write(chatty ? "debug" : "info", message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#write("error", message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#write("warn", message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.#write("debug", message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write("trace", message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write("fatal", message, rest);
  }

  /** Nest passes its context's name last, and a stack before it for errors. */
  #write(
    level: "trace" | "debug" | "info" | "warn" | "error" | "fatal",
    message: unknown,
    rest: unknown[],
  ): void {
    const context = rest.at(-1);
    const stack = rest.length > 1 ? rest[0] : undefined;
    const fields = {
      ...(typeof context === "string" ? { context } : {}),
      ...(typeof stack === "string" ? { stack } : {}),
    };
    if (message instanceof Error) this.pino[level]({ ...fields, err: message }, message.message);
    else if (typeof message === "string") this.pino[level](fields, message);
    else this.pino[level]({ ...fields, ...(message as object) });
  }
}
