import { createHash } from "node:crypto";
import { canonicalJson, Problem, type Route } from "@benchfarm/contracts";
import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { from, lastValueFrom, type Observable } from "rxjs";
import { Database } from "../database/database.js";
import { Periodic } from "../schedule.js";
import { send, ROUTE_METADATA, type Call } from "./call.js";
import { claimKey, forgetOldKeys, storeReply, type StoredReply } from "./idempotency.store.js";
import { orgOf } from "./principal.js";

const FORGET_EVERY_MS = 600_000;

/**
 * Gives a create that carries an `Idempotency-Key` its first reply again. The key, what the handler writes and the reply are one
 * transaction, so a repeated create happens exactly once: beside the first it waits for it, after a crash it finds all or nothing.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  readonly #database: Database;

  constructor(database: Database, periodic: Periodic) {
    this.#database = database;
    periodic.register("forget old idempotency keys", FORGET_EVERY_MS, async () => {
      await forgetOldKeys(database.prisma);
    });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const route = Reflect.getMetadata(ROUTE_METADATA, context.getHandler()) as Route;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return from(this.#answer(route, request.benchfarmCall as Call, next));
  }

  async #answer(route: Route, call: Call, next: CallHandler): Promise<void> {
    const handle = () => lastValueFrom<unknown>(next.handle());
    const key = call.request.headers["idempotency-key"];
    if (key === undefined) return this.#send(route, call, await handle());
    if (typeof key !== "string" || !/^[\x21-\x7e]{1,200}$/.test(key)) {
      throw new Problem(
        "invalid_request",
        "Idempotency-Key must be 1 to 200 visible ASCII characters, such as a UUID",
      );
    }
    const digest = createHash("sha256")
      .update(`${route.method} ${call.request.url}\n${canonicalJson(call.body ?? null)}`)
      .digest("hex");
    const orgId = orgOf(call);
    let replayed: StoredReply | null = null;
    const reply = await this.#database.inOuterTransaction(async (tx) => {
      replayed = await claimKey(tx, orgId, key, digest);
      if (replayed !== null) return replayed.body;
      const value = await handle();
      await storeReply(tx, orgId, key, call.response.statusCode, value);
      return value;
    });
    const first = replayed as StoredReply | null;
    if (first !== null) call.response.status(first.status).header("idempotency-replayed", "true");
    return this.#send(route, call, reply);
  }

  async #send(route: Route, call: Call, reply: unknown): Promise<void> {
    if (!call.response.sent) await send(route, call.response, reply);
  }
}
