import type { Readable } from "node:stream";
import {
  Problem,
  type Route,
  type RouteBody,
  type RouteParams,
  type RouteQuery,
  type RouteReplyInput,
} from "@benchfarm/contracts";
import { SetMetadata } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Principal } from "./principal.js";

export const ROUTE_METADATA = "benchfarm:route";
export const OPEN_METADATA = "benchfarm:open";

/** A request that passed the guard: who it is from, and its parts as the route's schemas parsed them. */
export interface Call<R extends Route = Route> {
  readonly params: RouteParams<R>;
  readonly query: RouteQuery<R>;
  readonly body: RouteBody<R>;
  readonly principal: Principal;
  readonly request: FastifyRequest;
  readonly response: FastifyReply;
  /** Aborted when the caller hangs up before the reply is sent, and when this process is about to stop: then answer soon. */
  readonly signal: AbortSignal;
}

export class Sent {
  readonly #sent = true;

  get isSent(): boolean {
    return this.#sent;
  }
}

/** Returned by a handler that has sent `call.response` itself. A class's instance: a symbol would widen on its way out. */
export const SENT = new Sent();

export type HandlerReply<R extends Route> = RouteReplyInput<R> | Sent;

declare module "fastify" {
  interface FastifyRequest {
    /** Set by the guard. */
    benchfarmCall?: Call;
    /** The bytes of a JSON body, for signatures. */
    rawBody?: Buffer;
  }
}

/** Sends a handler's reply and resolves when it is on its way. */
export async function send(route: Route, response: FastifyReply, reply: unknown): Promise<void> {
  if (reply !== SENT) {
    if (route.reply === undefined) {
      response.send();
    } else {
      response.header("content-type", "application/json; charset=utf-8");
      response.send(JSON.stringify(route.reply.parse(reply)));
    }
  }
  // A stream is still under way; Fastify would send again if the handler ended first.
  if (!response.sent) await response;
}

/** Marks a page of the server's own (health, documentation) as open to everybody; it is not part of the route table. */
export function OpenPage(): MethodDecorator {
  return SetMetadata(OPEN_METADATA, true);
}

/** The streamed body of a route that `consumes` bytes. */
export function bytesOf(call: Call): Readable {
  const body = call.request.body as Readable | undefined;
  if (typeof body?.pipe === "function") return body;
  throw new Problem("unsupported_media_type", "send the file's bytes as application/octet-stream");
}
