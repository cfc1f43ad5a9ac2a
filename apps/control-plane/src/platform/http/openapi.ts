import {
  FieldError,
  ProblemBody,
  PROBLEMS,
  routes,
  type ProblemCode,
  type Route,
} from "@benchfarm/contracts";
import { z } from "zod";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from "zod-openapi";

const TAGS: Record<string, string> = {
  org: "Tenants and their API keys",
  catalogue: "Kinds of hardware, models, quantised files, engines and workloads",
  device: "Physical devices and the enrolment of agents",
  result: "What was measured, and its folds per comparison key",
  run: "Single measurements to make",
  sweep: "Cross products of measurements",
  matrix: "Hardware x model x quantisation",
  agent: "What device agents call; requests are signed by the agent's own key",
};

/** Problems that a route can answer whatever it does. */
function problemsOf(route: Route): ProblemCode[] {
  const codes: ProblemCode[] = ["invalid_request", "internal", "unavailable"];
  if (route.access === "agent") codes.push("signature_invalid");
  else if (route.access === "enrolment") {
    codes.push("signature_invalid", "enrolment_code_unknown", "enrolment_code_used");
    codes.push("enrolment_code_expired", "agent_outdated");
  } else if (route.access !== "public") codes.push("unauthenticated", "missing_scope");
  if (route.params !== undefined) codes.push("not_found");
  if (route.idempotent === true) codes.push("idempotency_conflict");
  if (route.method !== "GET" && route.method !== "HEAD") codes.push("conflict");
  if (route.body !== undefined) codes.push("payload_too_large", "unsupported_media_type");
  if (route.consumes !== undefined) {
    codes.push("unsupported_media_type", "digest_mismatch", "storage_full");
  }
  return codes;
}

function securityOf(route: Route): Record<string, string[]>[] {
  if (route.access === "public") return [];
  if (route.access === "agent" || route.access === "enrolment") return [{ agentSignature: [] }];
  return [{ apiKey: [] }];
}

const BYTES = { type: "string", format: "binary" } as const;

const problemResponses = new Map<number, ZodOpenApiResponseObject>();

/** One shared response per status, with every code that has it. */
function problemResponse(status: number): ZodOpenApiResponseObject {
  const codes = Object.entries(PROBLEMS).filter(([, problem]) => problem.status === status);
  const response = problemResponses.get(status) ?? {
    id: `Problem${status}`,
    description: codes.map(([code, { title }]) => `\`${code}\`: ${title}.`).join(" "),
    content: { "application/problem+json": { schema: ProblemBody } },
  };
  problemResponses.set(status, response);
  return response;
}

function operation(name: string, route: Route): ZodOpenApiOperationObject {
  const scope = route.access.includes(":") ? ` Needs the scope \`${route.access}\`.` : "";
  const anonymous = route.access.endsWith(":read")
    ? " Open without a key where the farm allows anonymous reading."
    : "";
  const statuses = [...new Set(problemsOf(route).map((code) => PROBLEMS[code].status))];
  const content = {
    ...(route.reply === undefined ? {} : { "application/json": { schema: route.reply } }),
    ...Object.fromEntries(
      (route.produces ?? []).map((type) => [
        type,
        { schema: type.startsWith("text/") ? ({ type: "string" } as const) : BYTES },
      ]),
    ),
  };
  return {
    operationId: name,
    tags: [route.tag],
    summary: route.summary,
    description: `${route.summary}.${scope}${anonymous}`,
    security: securityOf(route),
    requestParams: {
      ...(route.params === undefined ? {} : { path: route.params as z.ZodObject }),
      ...(route.query === undefined ? {} : { query: route.query as z.ZodObject }),
      ...(route.idempotent === true
        ? {
            header: z.object({
              "Idempotency-Key": z.string().min(1).max(200).optional().meta({
                description: "Repeating a request with the same key gives its first reply again.",
              }),
            }),
          }
        : {}),
    },
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { "application/json": { schema: route.body } } },
        }),
    ...(route.consumes === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(route.consumes.map((type) => [type, { schema: BYTES }])),
          },
        }),
    responses: {
      [String(route.status)]: {
        description: "Done",
        ...(Object.keys(content).length === 0 ? {} : { content }),
      },
      ...Object.fromEntries(
        statuses
          .toSorted((a, b) => a - b)
          .map((status) => [String(status), problemResponse(status)]),
      ),
    },
  } as ZodOpenApiOperationObject;
}

/** The OpenAPI 3.1 document of the farm, made from the schemas that validate: the same input gives the same bytes. */
export function buildOpenApi(): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const path = (paths[route.path] ??= {});
    path[route.method.toLowerCase()] = operation(name, route);
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "Benchfarm",
      version: "1",
      description:
        "A cross-device test farm for on-device language models. Errors are RFC 9457 problems with a stable `code`; lists are paged by `cursor`, newest first.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: paths as ZodOpenApiPathsObject,
    components: {
      schemas: { FieldError },
      securitySchemes: {
        apiKey: {
          type: "http",
          scheme: "bearer",
          description: "An API key, `bf_` and 43 characters; made with POST /v1/api-keys.",
        },
        agentSignature: {
          type: "apiKey",
          in: "header",
          name: "Signature",
          description:
            "An HTTP message signature (RFC 9421, Ed25519) over method, path, query and Content-Digest, with `Signature-Input`; keyid is the agent's id, while enrolling its public key.",
        },
      },
    },
  });
}

/** The document as it is committed and served. */
export function openApiText(): string {
  return `${JSON.stringify(buildOpenApi(), null, 2)}\n`;
}
