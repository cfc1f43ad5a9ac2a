import { z } from "zod";
import { Problem, ProblemBody, type FieldError } from "./problem.js";
import type { Route, RouteReply } from "./route.js";

type RequestBody = NonNullable<RequestInit["body"]>;

/** A request as it is about to be sent; a signer may add headers over exactly these bytes. */
export interface OutgoingRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface ClientOptions {
  /** Such as `http://127.0.0.1:8787`; a path in it is kept. */
  baseUrl: string;
  apiKey?: string;
  /** Called last, with the final bytes; returns headers to add. */
  sign?: (request: OutgoingRequest) => Promise<Record<string, string>> | Record<string, string>;
  fetch?: typeof fetch;
}

type Input<S> = S extends z.ZodType ? z.input<S> : never;
type Part<Key extends string, S> = [Input<S>] extends [undefined]
  ? { [K in Key]?: undefined }
  : { [K in Key]: Input<S> };

/** What a call of a route takes: only the parts the route has. */
export type CallInput<R> =
  R extends Route<infer P, infer Q, infer B, z.ZodType>
    ? Part<"params", P> &
        ([Input<Q>] extends [undefined] ? { query?: undefined } : { query?: Partial<Input<Q>> }) &
        Part<"body", B> & { headers?: Record<string, string>; signal?: AbortSignal }
    : never;

/** The farm could not be reached, or what answered is not a farm. */
export class UnreachableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UnreachableError";
  }
}

/** A problem that a server answered, with its status and how long it asks to wait. */
export class ServerProblem extends Problem {
  readonly retryAfterMs: number | null;

  constructor(body: ProblemBody, retryAfterMs: number | null) {
    super(body.code, body.detail, body.errors as FieldError[] | undefined);
    this.name = "ServerProblem";
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Client {
  /**
   * Calls a route and returns its parsed reply. Throws ServerProblem for an answered problem, UnreachableError for no answer or one
   * that is not the farm's.
   */
  call<R extends Route>(route: R, input: CallInput<R>): Promise<RouteReply<R>>;
  /** The raw response of a route, for bodies that are not JSON; problems are thrown just the same. */
  open(
    route: Route,
    input: {
      params?: Record<string, string>;
      query?: Record<string, unknown>;
      headers?: Record<string, string>;
      body?: RequestBody;
      signal?: AbortSignal;
    },
  ): Promise<Response>;
}

/** The path of a route with its parameters filled in. */
export function routePath(route: Pick<Route, "path">, params: Record<string, string> = {}): string {
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ""),
  );
}

function queryString(query: Record<string, unknown> | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null) continue;
    // A query's values are texts, numbers and truth values, or lists of them.
    search.set(name, Array.isArray(value) ? value.join(",") : String(value as string | number));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

async function problemOf(response: Response, url: URL): Promise<Error> {
  const text = await response.text();
  const retryAfter = Number(response.headers.get("retry-after"));
  try {
    const body = ProblemBody.parse(JSON.parse(text));
    return new ServerProblem(
      body,
      Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1000 : null,
    );
  } catch {
    return new UnreachableError(
      `${url.origin} answered ${response.status} without a Benchfarm problem; is that the address of a Benchfarm control plane? (${text.slice(0, 200)})`,
    );
  }
}

/** A typed client over the route table. It never retries: callers know whether a call may be repeated. */
export function createClient(options: ClientOptions): Client {
  const send = options.fetch ?? fetch;

  async function request(
    route: Route,
    input: {
      params?: Record<string, string> | undefined;
      query?: Record<string, unknown> | undefined;
      headers?: Record<string, string> | undefined;
      signal?: AbortSignal | undefined;
    },
    body: RequestBody | undefined,
    contentType: string | undefined,
  ): Promise<Response> {
    const url = new URL(
      options.baseUrl.replace(/\/+$/, "") +
        routePath(route, input.params) +
        queryString(input.query),
    );
    const headers: Record<string, string> = {
      accept: "application/json, application/problem+json",
      ...(contentType === undefined ? {} : { "content-type": contentType }),
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      ...input.headers,
    };
    if (options.sign !== undefined) {
      const text = typeof body === "string" ? body : undefined;
      Object.assign(
        headers,
        await options.sign({ method: route.method, url, headers, body: text }),
      );
    }
    let response: Response;
    try {
      response = await send(url, {
        method: route.method,
        headers,
        ...(body === undefined
          ? {}
          : { body, ...(typeof body === "string" ? {} : { duplex: "half" }) }),
        ...(input.signal === undefined ? {} : { signal: input.signal }),
      } as RequestInit);
    } catch (cause) {
      if (input.signal?.aborted === true) throw cause;
      throw new UnreachableError(
        `no answer from ${url.origin}: is the control plane running there?`,
        { cause },
      );
    }
    if (!response.ok && response.status !== 304) throw await problemOf(response, url);
    return response;
  }

  return {
    async call(route, input) {
      const given = input as {
        params?: Record<string, string>;
        query?: Record<string, unknown>;
        body?: unknown;
        headers?: Record<string, string>;
        signal?: AbortSignal;
      };
      const body = given.body === undefined ? undefined : JSON.stringify(given.body);
      const response = await request(
        route,
        given,
        body,
        body === undefined ? undefined : "application/json",
      );
      if (route.reply === undefined) {
        await response.arrayBuffer();
        return undefined as never;
      }
      return route.reply.parse(await response.json()) as never;
    },
    open(route, input) {
      return request(
        route,
        input,
        input.body,
        input.body === undefined ? undefined : "application/octet-stream",
      );
    },
  };
}
