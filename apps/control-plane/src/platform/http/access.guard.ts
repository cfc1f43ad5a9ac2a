import { Problem, type FieldError, type Route, type Scope } from "@benchfarm/contracts";
import { SignatureError, verifySignature } from "@benchfarm/signatures";
import { Injectable, type CanActivate, type ExecutionContext } from "@nestjs/common";
import { ModuleRef } from "@nestjs/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { Clock } from "../clock.js";
import { Shutdown } from "../shutdown.js";
import { AgentKeyCache } from "./agent-keys.js";
import { ApiKeys } from "./api-keys.js";
import { OPEN_METADATA, ROUTE_METADATA, type Call } from "./call.js";
import type { Principal } from "./principal.js";

const KEY_HINT =
  "send an API key as `Authorization: Bearer bf_…`; an administrator makes one with POST /v1/api-keys";

/**
 * The one door of every route: proves who calls, checks that they may, and parses params, query and body by the route's schemas, so
 * that a handler sees nothing unproven. Throws `unauthenticated`, `signature_invalid`, `missing_scope`, `invalid_request`,
 * `unsupported_media_type`.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  readonly #moduleRef: ModuleRef;
  readonly #agentKeys: AgentKeyCache;
  readonly #clock: Clock;
  readonly #shutdown: Shutdown;
  #apiKeys: ApiKeys | undefined;

  constructor(moduleRef: ModuleRef, agentKeys: AgentKeyCache, clock: Clock, shutdown: Shutdown) {
    this.#shutdown = shutdown;
    this.#moduleRef = moduleRef;
    this.#agentKeys = agentKeys;
    this.#clock = clock;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const handler = context.getHandler();
    if (Reflect.getMetadata(OPEN_METADATA, handler) === true) return true;
    const route = Reflect.getMetadata(ROUTE_METADATA, handler) as Route;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const principal = await this.#authenticate(route, request);
    request.benchfarmCall = makeCall(
      principal,
      request,
      http.getResponse<FastifyReply>(),
      parseRequest(route, request),
      this.#shutdown.signal,
    );
    return true;
  }

  async #authenticate(route: Route, request: FastifyRequest): Promise<Principal> {
    if (route.access === "public") return { kind: "public", actor: "public" };
    if (route.access === "agent") return this.#agent(request);
    if (route.access === "enrolment") return this.#enrolment(request);
    return this.#person(route.access, request);
  }

  async #person(scope: Scope, request: FastifyRequest): Promise<Principal> {
    const apiKeys = (this.#apiKeys ??= this.#moduleRef.get<ApiKeys>(ApiKeys, { strict: false }));
    const { authorization } = request.headers;
    if (authorization === undefined) {
      const orgId = scope.endsWith(":read") ? await apiKeys.anonymousOrgId() : null;
      if (orgId !== null) return { kind: "anonymous", orgId, actor: "anonymous" };
      throw new Problem("unauthenticated", KEY_HINT);
    }
    const secret = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    const key = secret === undefined ? null : await apiKeys.verify(secret);
    if (key === null) {
      throw new Problem("unauthenticated", `the API key is unknown or revoked; ${KEY_HINT}`);
    }
    if (!key.scopes.includes(scope) && !key.scopes.includes("org:admin")) {
      throw new Problem(
        "missing_scope",
        `this route needs the scope ${scope}; the key has ${key.scopes.join(", ")}`,
      );
    }
    return { kind: "apiKey", ...key, actor: key.keyId };
  }

  async #agent(request: FastifyRequest): Promise<Principal> {
    let orgId = "";
    const { keyId: agentId, nonce } = await this.#signer(request, async (keyId) => {
      const key = await this.#agentKeys.find(keyId);
      if (key === null) return null;
      if (key.revoked) {
        throw new Problem(
          "signature_invalid",
          "this agent was revoked; enrol it again with a new code",
        );
      }
      orgId = key.orgId;
      return key.publicKey;
    });
    return { kind: "agent", orgId, agentId, nonce, actor: agentId };
  }

  async #enrolment(request: FastifyRequest): Promise<Principal> {
    const publicKey = (request.body as { publicKey?: unknown } | undefined)?.publicKey;
    if (typeof publicKey !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(publicKey)) {
      throw new Problem("invalid_request", "the body must carry the agent's public key", [
        { path: "body.publicKey", message: "expected 43 base64url characters" },
      ]);
    }
    await this.#signer(request, (keyId) => (keyId === publicKey ? publicKey : null));
    return { kind: "enrolment", publicKey, actor: "enrolment" };
  }

  async #signer(
    request: FastifyRequest,
    lookupKey: (keyId: string) => Promise<string | null> | string | null,
  ): Promise<{ keyId: string; nonce: string }> {
    try {
      return await verifySignature(
        {
          method: request.method,
          target: request.url,
          headers: request.headers,
          body: request.rawBody,
        },
        { lookupKey, nowMs: this.#clock.now().getTime() },
      );
    } catch (error) {
      if (error instanceof SignatureError) throw new Problem("signature_invalid", error.message);
      throw error;
    }
  }
}

interface ParsedParts {
  params: unknown;
  query: unknown;
  body: unknown;
}

function parseRequest(route: Route, request: FastifyRequest): ParsedParts {
  const mediaType = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (route.consumes !== undefined) {
    if (mediaType === undefined || !route.consumes.includes(mediaType)) {
      throw new Problem(
        "unsupported_media_type",
        `send the body as ${route.consumes.join(" or ")}, not as ${mediaType ?? "nothing named"}`,
      );
    }
  } else if (route.body !== undefined && mediaType !== undefined && !isJson(mediaType)) {
    throw new Problem("unsupported_media_type", `send the body as application/json`);
  }
  const errors: FieldError[] = [];
  const parse = (name: keyof ParsedParts, schema: z.ZodType | undefined, given: unknown) => {
    if (schema === undefined) return undefined;
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      errors.push({ path: [name, ...issue.path].join("."), message: issue.message });
    }
    return undefined;
  };
  const parts = {
    params: parse("params", route.params, request.params),
    query: parse("query", route.query, request.query),
    body: parse("body", route.body, request.body ?? (route.body === undefined ? undefined : {})),
  };
  if (errors.length > 0) {
    const first = errors.slice(0, 3).map((e) => `${e.path}: ${e.message}`);
    throw new Problem("invalid_request", first.join("; "), errors.slice(0, 100));
  }
  return parts;
}

function isJson(mediaType: string): boolean {
  return mediaType === "application/json";
}

function makeCall(
  principal: Principal,
  request: FastifyRequest,
  response: FastifyReply,
  parts: ParsedParts,
  stopping: AbortSignal,
): Call {
  let signal: AbortSignal | undefined;
  return {
    ...(parts as { params: never; query: never; body: never }),
    principal,
    request,
    response,
    get signal() {
      if (signal === undefined) {
        // AbortSignal.any would leave an entry at the process's signal for every call.
        const controller = new AbortController();
        const abort = () => controller.abort();
        stopping.addEventListener("abort", abort, { once: true });
        response.raw.once("close", () => {
          stopping.removeEventListener("abort", abort);
          if (!response.raw.writableFinished) abort();
        });
        if (stopping.aborted) abort();
        ({ signal } = controller);
      }
      return signal;
    },
  };
}
