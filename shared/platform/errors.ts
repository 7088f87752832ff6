import type { FieldError } from "./field-errors.ts";

/**
 * The closed set of failures. One row says everything about a code: HTTP status, the problem's
 * title, and whether trying again later can help. docs/failures.md explains each; a test compares.
 */
export const FAILURES = {
  invalid_request: { status: 400, title: "The request is not valid.", retry: false },
  malformed_json: { status: 400, title: "The body is not valid JSON.", retry: false },
  unauthenticated: { status: 401, title: "No valid credentials were given.", retry: false },
  token_invalid: { status: 401, title: "The access token is not valid.", retry: false },
  token_expired: { status: 401, title: "The access token has expired.", retry: false },
  token_revoked: { status: 401, title: "The access token has been revoked.", retry: false },
  code_invalid: { status: 401, title: "The code is wrong, used or expired.", retry: false },
  session_ended: { status: 401, title: "The session has ended.", retry: false },
  forbidden: { status: 403, title: "This is not permitted.", retry: false },
  message_refused: { status: 403, title: "This app does not take the message.", retry: false },
  not_admitted: { status: 403, title: "This app does not let the person in.", retry: false },
  factor_required: { status: 403, title: "A second factor is needed.", retry: false },
  not_found: { status: 404, title: "There is no such thing here.", retry: false },
  method_not_allowed: { status: 405, title: "The method is not allowed here.", retry: false },
  request_timeout: { status: 408, title: "The request did not arrive in time.", retry: true },
  conflict: { status: 409, title: "The request conflicts with the present state.", retry: false },
  precondition_failed: { status: 412, title: "Someone else was faster.", retry: false },
  payload_too_large: { status: 413, title: "The body is too large.", retry: false },
  uri_too_long: { status: 414, title: "The address is too long.", retry: false },
  moved: { status: 421, title: "The app lives in another cell.", retry: false },
  unsupported_media_type: { status: 415, title: "The body has a type that is not accepted.", retry: false },
  idempotency_key_reused: {
    status: 422,
    title: "The Idempotency-Key was used for another request.",
    retry: false,
  },
  quota_exceeded: { status: 429, title: "Too many requests.", retry: true },
  internal: { status: 500, title: "Something failed on our side.", retry: true },
  model_failed: { status: 502, title: "The model did not answer.", retry: true },
  unavailable: { status: 503, title: "A service is not available at the moment.", retry: true },
} as const satisfies Record<string, { status: number; title: string; retry: boolean }>;

export type FailureCode = keyof typeof FAILURES;

export interface FailureDetails {
  /** One entry a wrong field, for validation failures. */
  readonly errors?: readonly FieldError[];
  /** How many there are, where not all are named. */
  readonly errorsCount?: number;
  readonly retryAfterSeconds?: number;
  /** The limits that a request would have exceeded. */
  readonly violatedPolicies?: readonly string[];
  /** Where an app lives that is not here. */
  readonly cell?: { readonly name: string; readonly url: string };
  /** The methods that a path does have. */
  readonly allow?: readonly string[];
  /** The connection can't be trusted to carry another request. */
  readonly closeConnection?: boolean;
}

/**
 * The one kind of error that our code throws on purpose. Its message reaches the client and the
 * log: it never carries text, addresses, tokens or other people's ids.
 */
export class AppError extends Error {
  readonly code: FailureCode;
  readonly details: FailureDetails;

  constructor(code: FailureCode, message: string, details: FailureDetails = {}, options: ErrorOptions = {}) {
    super(message, options);
    this.name = "AppError";
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return FAILURES[this.code].status;
  }
}

/** gRPC status numbers that our code tells apart. */
export const GRPC = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  internal: 13,
  unavailable: 14,
} as const;

/** The gRPC status of an error from one of Google's clients; undefined for anything else. */
export function grpcCode(cause: unknown): number | undefined {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "number" ? code : undefined;
}

const TRANSIENT: ReadonlySet<number | undefined> = new Set([
  GRPC.cancelled,
  GRPC.unknown,
  GRPC.deadlineExceeded,
  GRPC.resourceExhausted,
  GRPC.aborted,
  GRPC.internal,
  GRPC.unavailable,
]);

/** True when the call may have been applied or not, or may succeed when it is made again. */
export const isTransient = (cause: unknown): boolean => TRANSIENT.has(grpcCode(cause));

/** The same, of what was given up after a time too. */
export const isUnknownOutcome = (cause: unknown): boolean =>
  isTransient(cause) || (cause instanceof AppError && cause.code === "unavailable");

const RETRY_AFTER_SECONDS = 1;

/** Any thrown thing as an AppError: Google's failures become `unavailable`, the rest `internal`. */
export function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  if (isTransient(cause)) {
    return new AppError(
      "unavailable",
      "A service that this depends on did not answer in time.",
      { retryAfterSeconds: RETRY_AFTER_SECONDS },
      { cause },
    );
  }
  return new AppError("internal", "The request failed unexpectedly; it has been recorded.", {}, { cause });
}
