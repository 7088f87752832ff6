/** What the service answers instead of a result: a code in capitals, perhaps with an explanation behind it. */
export class AuthError extends Error {
  readonly status: number;
  readonly reason: string;
  /** The canonical status, where the service names one. */
  readonly canonical: string | undefined;

  constructor(message: string, status = 400, reason = "invalid", canonical?: string) {
    super(message);
    this.name = "AuthError";
    this.status = status;
    this.reason = reason;
    this.canonical = canonical;
  }
}

export const unimplemented = (what: string): AuthError =>
  new AuthError(`${what} is not served.`, 501, "unimplemented", "NOT_IMPLEMENTED");

export const missingKey = (): AuthError =>
  new AuthError("The request is missing a valid API key.", 403, "forbidden", "PERMISSION_DENIED");

export const unauthenticated = (): AuthError =>
  new AuthError(
    "Request is missing required authentication credential.",
    401,
    "authError",
    "UNAUTHENTICATED",
  );

export function errorBody({ status, message, reason, canonical }: AuthError): unknown {
  return {
    error: {
      code: status,
      message,
      errors: [{ message, reason, domain: "global" }],
      ...(canonical === undefined ? {} : { status: canonical }),
    },
  };
}
