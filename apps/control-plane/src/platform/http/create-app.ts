import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import helmet from "@fastify/helmet";
import { Problem } from "@benchfarm/contracts";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import type { DynamicModule } from "@nestjs/common";
import { Config } from "../config.js";
import { Log } from "../log.js";
import { Metrics } from "../metrics.js";
import { TaskRunner } from "../queue/task-runner.js";
import { serveFiles } from "./serve-files.js";
import { logRequests } from "./request-log.js";
import { RouteTable } from "./route-table.js";

const JSON_BODY_BYTES = 16 * 1024 * 1024;

export interface CreateAppOptions {
  /** Starts although routes of the table have no handler. */
  partialRouteTable?: boolean;
}

/** Builds the HTTP program around a root module, ready to listen. Throws RouteTableError when its routes are not in order. */
export async function createApp(
  root: DynamicModule,
  options: CreateAppOptions = {},
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: JSON_BODY_BYTES,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => {
      const given = request.headers["x-request-id"];
      return typeof given === "string" && /^[\w.-]{1,100}$/.test(given) ? given : randomUUID();
    },
    // An upload of many gigabytes may take as long as it takes.
    requestTimeout: 0,
    routerOptions: { maxParamLength: 300 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
  });
  app.useLogger(app.get(Log));
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  const jsonParser = fastify.getDefaultJsonParser("error", "error");
  fastify.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const bytes = body as Buffer;
    request.rawBody = bytes;
    if (bytes.length === 0) return done(null, undefined);
    // Fastify's own parser refuses `__proto__` keys.
    return jsonParser(request, bytes.toString("utf8"), done);
  });
  fastify.addContentTypeParser("application/octet-stream", (_request, payload, done) =>
    done(null, payload),
  );
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        // The chart library positions its tooltips by style attributes.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", "data:", "blob:"],
        connectSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // A farm on a local network speaks plain HTTP; the proxy that adds TLS adds this too.
    strictTransportSecurity: false,
  });
  const isWorker = app.get(Config).role === "worker";
  fastify.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    if (isWorker && !/^\/(health|metrics)(\/|$)/.test(request.url)) {
      done(new Problem("unavailable", "this process does background work; ask an api process"));
    } else {
      done();
    }
  });
  logRequests(fastify, app.get(Log), app.get(Metrics));
  await serveFiles(app);
  try {
    await app.init();
    const partial = options.partialRouteTable ?? false;
    app.get(RouteTable).check({ partial });
    app.get(TaskRunner).check({ partial });
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}
