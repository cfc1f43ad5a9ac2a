import type { z } from "zod";
import type { Scope } from "./org.js";

/**
 * Who may call a route: an API key with a scope, an enrolled agent by its signature, an agent with a one-time code, or anybody.
 */
export type RouteAccess = Scope | "agent" | "enrolment" | "public";

/** One endpoint, written once: the server validates by it, clients are typed by it, OpenAPI is generated from it. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD";
  /** With `{name}` for path parameters. */
  path: string;
  access: RouteAccess;
  summary: string;
  tag: string;
  status: number;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Absent: the reply has no JSON body (see `produces`). */
  reply?: Reply;
  /** Media types of a request body that is not JSON; the bytes are streamed. */
  consumes?: string[];
  /** Further media types the reply can be had in, by content negotiation. */
  produces?: string[];
  /** The route takes an `Idempotency-Key` header. */
  idempotent?: boolean;
}

/** Keeps each route's own schema types. */
export function route<
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
  Reply extends z.ZodType = z.ZodUndefined,
>(definition: Route<Params, Query, Body, Reply>): Route<Params, Query, Body, Reply> {
  return definition;
}

export type RouteParams<R> =
  R extends Route<infer P, z.ZodType, z.ZodType, z.ZodType> ? z.output<P> : never;
export type RouteQuery<R> =
  R extends Route<z.ZodType, infer Q, z.ZodType, z.ZodType> ? z.output<Q> : never;
export type RouteBody<R> =
  R extends Route<z.ZodType, z.ZodType, infer B, z.ZodType> ? z.output<B> : never;
export type RouteReply<R> =
  R extends Route<z.ZodType, z.ZodType, z.ZodType, infer O> ? z.output<O> : never;
/** What a server may hand to the reply schema. */
export type RouteReplyInput<R> =
  R extends Route<z.ZodType, z.ZodType, z.ZodType, infer O> ? z.input<O> : never;
