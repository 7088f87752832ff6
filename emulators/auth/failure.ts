import { httpError, type StatusError } from "../kernel/status-error.ts";

interface AuthWords {
  readonly reason: string;
  /** The canonical status, where the service names one. */
  readonly canonical: string | undefined;
}

/**
 * The error of an Authentication call. The message is a code in capitals, which an explanation may follow.
 */
export const authError = (
  message: string,
  status = 400,
  reason = "invalid",
  canonical?: string,
): StatusError<AuthWords> => httpError(status, message, { words: { reason, canonical } });

export const unimplemented = (what: string): StatusError =>
  authError(`${what} is not served.`, 501, "unimplemented", "NOT_IMPLEMENTED");

export const missingKey = (): StatusError =>
  authError("The request is missing a valid API key.", 403, "forbidden", "PERMISSION_DENIED");

export const unauthenticated = (): StatusError =>
  authError("Request is missing required authentication credential.", 401, "authError", "UNAUTHENTICATED");

export const internalError = (): StatusError => authError("INTERNAL_ERROR", 500, "backendError", "INTERNAL");

export function errorBody({ httpStatus, message, words }: StatusError): object {
  const { reason, canonical } = words as AuthWords;
  return {
    error: {
      code: httpStatus,
      message,
      errors: [{ message, reason, domain: "global" }],
      ...(canonical === undefined ? {} : { status: canonical }),
    },
  };
}
