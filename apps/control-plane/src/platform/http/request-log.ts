import type { FastifyInstance } from "fastify";
import { Log } from "../log.js";
import { Metrics } from "../metrics.js";

/** Pages that are asked for every few seconds tell nothing in a log. */
const QUIET = /^\/(health|metrics|assets|docs)(\/|$)/;

/** Logs and measures every request at its end, under its route's template. Agents' calls come all the time: they log at debug. */
export function logRequests(fastify: FastifyInstance, log: Log, metrics: Metrics): void {
  fastify.addHook("onResponse", (request, reply, done) => {
    const path = request.routeOptions.url ?? "unknown";
    const durationMs = reply.elapsedTime;
    metrics.observeRequest(request.method, path, reply.statusCode, durationMs / 1000);
    const level =
      reply.statusCode >= 500
        ? "warn"
        : path.startsWith("/agent/") || QUIET.test(path)
          ? "debug"
          : "info";
    if (log.pino.isLevelEnabled(level)) {
      log.pino[level](
        {
          requestId: request.id,
          method: request.method,
          path,
          status: reply.statusCode,
          durationMs: Math.round(durationMs * 100) / 100,
          actor: request.benchfarmCall?.principal.actor,
        },
        "request",
      );
    }
    done();
  });
}
