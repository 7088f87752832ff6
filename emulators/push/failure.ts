/** What FCM calls an error, and the HTTP and gRPC statuses that go with it (its reference, ErrorCode). */
const FAILURES = {
  INVALID_ARGUMENT: { code: 400, status: "INVALID_ARGUMENT" },
  UNREGISTERED: { code: 404, status: "NOT_FOUND" },
  SENDER_ID_MISMATCH: { code: 403, status: "PERMISSION_DENIED" },
  QUOTA_EXCEEDED: { code: 429, status: "RESOURCE_EXHAUSTED" },
  UNAVAILABLE: { code: 503, status: "UNAVAILABLE" },
  INTERNAL: { code: 500, status: "INTERNAL" },
} as const;
export type FcmErrorCode = keyof typeof FAILURES;

const FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";

/** What FCM answers in place of a message's name. */
export class PushFailure extends Error {
  readonly code: number;
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;

  constructor(errorCode: FcmErrorCode, message: string, field?: string) {
    super(message);
    const { code, status } = FAILURES[errorCode];
    const violations =
      field === undefined
        ? []
        : [{ "@type": BAD_REQUEST, fieldViolations: [{ field, description: message }] }];
    const details = [{ "@type": FCM_ERROR, errorCode }, ...violations];
    this.code = code;
    this.body = { error: { code, message, status, details } };
    this.headers = code === 429 || code === 503 ? { "retry-after": "1" } : {};
  }
}

/** A failure that is not about a message: an unknown path, a method that FCM has and this has not. */
export class RequestFailure extends PushFailure {
  override readonly code: number;
  override readonly body: object;

  constructor(code: 400 | 404 | 413 | 501, status: string, message: string) {
    super("INVALID_ARGUMENT", message);
    this.code = code;
    this.body = { error: { code, message, status } };
  }
}

/** The failure for a planned fault's gRPC status. */
export function plannedFailure(code: string): PushFailure {
  const found = Object.entries(FAILURES).find(([, { status }]) => status === code);
  return new PushFailure((found?.[0] as FcmErrorCode | undefined) ?? "INTERNAL", "A planned fault.");
}
