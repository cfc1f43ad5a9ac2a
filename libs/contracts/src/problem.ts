import { z } from "zod";

/**
 * The closed list of problem codes: each code's HTTP status and its title. Clients and agents branch on `code`, never on text.
 * A new row here is the only way to a new error.
 */
export const PROBLEMS = {
  invalid_request: { status: 400, title: "The request does not have the shape this route takes" },
  unauthenticated: { status: 401, title: "No valid API key was presented" },
  signature_invalid: { status: 401, title: "The agent's request signature does not verify" },
  session_unknown: { status: 401, title: "The agent's session is unknown or has been replaced" },
  missing_scope: { status: 403, title: "The API key lacks the scope this route needs" },
  enrolment_code_unknown: { status: 403, title: "The enrolment code is unknown" },
  enrolment_code_used: { status: 409, title: "The enrolment code has been used" },
  enrolment_code_expired: { status: 410, title: "The enrolment code has expired" },
  not_found: { status: 404, title: "There is no such thing here" },
  not_acceptable: { status: 406, title: "None of the accepted media types can be produced" },
  conflict: { status: 409, title: "The request conflicts with what is stored" },
  idempotency_conflict: { status: 409, title: "The Idempotency-Key was used with other content" },
  stale_lease: { status: 409, title: "The attempt's lease is no longer the writer's" },
  conflicting_result: { status: 409, title: "Another result is stored for this attempt" },
  run_gone: { status: 410, title: "The run no longer wants work" },
  payload_too_large: { status: 413, title: "The request body is larger than this route takes" },
  unsupported_media_type: { status: 415, title: "The request body's media type is not taken here" },
  digest_mismatch: { status: 422, title: "The bytes do not have the digest they were sent under" },
  invalid_model_file: { status: 422, title: "The file is not a readable model" },
  agent_outdated: { status: 426, title: "The agent is older than this farm accepts" },
  too_many_requests: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "The farm failed; the fault is logged under the request id" },
  unavailable: { status: 503, title: "A part of the farm is not available right now" },
  storage_full: { status: 507, title: "The farm's file store has no room left" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One field that was wrong, as a path into the request and a sentence. */
export const FieldError = z.object({ path: z.string(), message: z.string() });
export type FieldError = z.infer<typeof FieldError>;

/** The RFC 9457 body of every error, media type `application/problem+json`. `detail` says what happened and what to do. */
export const ProblemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string(),
    requestId: z.string().optional(),
    errors: z.array(FieldError).optional(),
  })
  .meta({ id: "Problem" });
export type ProblemBody = z.infer<typeof ProblemBody>;

/** A broken promise, thrown with a code from the closed list; `detail` is a sentence that says what to do. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly errors: FieldError[] | undefined;

  constructor(code: ProblemCode, detail: string, errors?: FieldError[]) {
    super(detail);
    this.name = "Problem";
    this.code = code;
    this.errors = errors;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The wire form of this problem. */
  toBody(requestId?: string): ProblemBody {
    return {
      type: `https://benchfarm.dev/problems/${this.code}`,
      title: PROBLEMS[this.code].title,
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(requestId === undefined ? {} : { requestId }),
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    };
  }
}
