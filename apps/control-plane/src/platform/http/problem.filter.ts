import { Problem, type ProblemCode } from "@benchfarm/contracts";
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isConflict, isUnreachable } from "../database/database.js";
import { Log } from "../log.js";
import { Dashboard } from "./dashboard.js";

/** Turns whatever was thrown into one `application/problem+json`; what nobody expected is logged with its stack and told as `internal`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log: Log;
  readonly #dashboard: Dashboard;

  constructor(log: Log, dashboard: Dashboard) {
    this.#log = log;
    this.#dashboard = dashboard;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const response = http.getResponse<FastifyReply>();
    const problem = toProblem(error, request);
    if (problem.code === "not_found" && this.#dashboard.answers(request)) {
      this.#dashboard.send(response);
      return;
    }
    // The caller hung up: nobody is left to tell, and nothing is wrong here.
    if (response.raw.destroyed) return;
    if (problem.status >= 500 && !(error instanceof Problem)) {
      this.#log.pino.error({ err: error, requestId: request.id }, problem.message);
    }
    if (response.raw.headersSent) {
      response.raw.destroy();
      return;
    }
    if (problem.code === "unauthenticated") response.header("www-authenticate", "Bearer");
    if (problem.code === "unavailable" || problem.code === "too_many_requests") {
      response.header("retry-after", "1");
    }
    void response
      .status(problem.status)
      .header("content-type", "application/problem+json; charset=utf-8")
      .header("cache-control", "no-store")
      .send(JSON.stringify(problem.toBody(request.id)));
  }
}

/** The problem that stands for an error from a handler, from Nest or from Fastify. */
export function toProblem(
  error: unknown,
  request: Pick<FastifyRequest, "method" | "url">,
): Problem {
  if (error instanceof Problem) return error;
  const path = request.url.split("?")[0] ?? request.url;
  const status = statusOf(error);
  const code = (error as { code?: unknown } | null)?.code;
  if (status === 404) {
    return new Problem(
      "not_found",
      `there is no ${request.method} ${path}; /docs lists every route`,
    );
  }
  if (status === 413) {
    return new Problem("payload_too_large", "the JSON body is larger than 16 MiB; send less");
  }
  if (status === 415) {
    return new Problem("unsupported_media_type", "send the body as application/json");
  }
  if (typeof code === "string" && code.startsWith("FST_ERR_CTP")) {
    return new Problem("invalid_request", `the body is not JSON: ${messageOf(error)}`);
  }
  if (status !== null && status >= 400 && status < 500) {
    return new Problem("invalid_request", messageOf(error));
  }
  if (isUnreachable(error)) {
    return new Problem("unavailable", "the farm's database cannot be reached; try again shortly");
  }
  if (isConflict(error)) {
    return new Problem("unavailable", "too many changes at the same rows; try again shortly");
  }
  const fallback: ProblemCode = "internal";
  return new Problem(fallback, "the farm failed; quote the request id to whoever runs it");
}

function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
