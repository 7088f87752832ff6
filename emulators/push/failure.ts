import { StatusError, type StatusName } from "../kernel/status-error.ts";

/** What FCM calls an error, and the HTTP and gRPC statuses that go with it (its reference, ErrorCode). */
const FAILURES = {
  INVALID_ARGUMENT: { httpStatus: 400, status: "INVALID_ARGUMENT" },
  UNREGISTERED: { httpStatus: 404, status: "NOT_FOUND" },
  SENDER_ID_MISMATCH: { httpStatus: 403, status: "PERMISSION_DENIED" },
  QUOTA_EXCEEDED: { httpStatus: 429, status: "RESOURCE_EXHAUSTED" },
  UNAVAILABLE: { httpStatus: 503, status: "UNAVAILABLE" },
  INTERNAL: { httpStatus: 500, status: "INTERNAL" },
} as const satisfies Record<string, { httpStatus: number; status: StatusName }>;
export type FcmErrorCode = keyof typeof FAILURES;

const FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";

/** The details of a failure that concerns a message; other failures have none. */
export type FcmDetails = readonly object[] | undefined;

/**
 * The error that FCM returns instead of a message's name. `field` is the part of the request that is wrong.
 */
export function pushError(errorCode: FcmErrorCode, message: string, field?: string): StatusError<FcmDetails> {
  const { httpStatus, status } = FAILURES[errorCode];
  const violations =
    field === undefined ? [] : [{ "@type": BAD_REQUEST, fieldViolations: [{ field, description: message }] }];
  return new StatusError(status, message, {
    httpStatus,
    headers: httpStatus === 429 || httpStatus === 503 ? { "retry-after": "1" } : {},
    words: [{ "@type": FCM_ERROR, errorCode }, ...violations],
  });
}

/** A failure that is not about a message: an unknown path, or a part of FCM that is not served. */
export const requestError = (
  httpStatus: 400 | 404 | 413 | 501,
  status: StatusName,
  message: string,
): StatusError<FcmDetails> => new StatusError(status, message, { httpStatus });

/** The failure for a planned fault's gRPC status. */
export function plannedFailure(code: string): StatusError<FcmDetails> {
  const found = Object.entries(FAILURES).find(([, { status }]) => status === code);
  return pushError((found?.[0] as FcmErrorCode | undefined) ?? "INTERNAL", "A planned fault.");
}
