import { type AppError, FAILURES } from "../../shared/platform/errors.ts";

/** An error as RFC 9457 problem details. */
export function problemOf(
  error: AppError,
  request: { readonly publicUrl: string; readonly path: string; readonly requestId: string },
): { status: number; headers: Record<string, string>; body: object } {
  const { status, title } = FAILURES[error.code];
  const { errors, retryAfterSeconds, violatedPolicies, allow, closeConnection } = error.details;
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (retryAfterSeconds !== undefined) headers["retry-after"] = String(retryAfterSeconds);
  if (allow !== undefined) headers.allow = allow.join(", ");
  if (closeConnection === true) headers.connection = "close";
  if (status === 401) headers["www-authenticate"] = "Bearer";
  const body = {
    type: `${request.publicUrl}/problems/${error.code}`,
    title,
    status,
    detail: error.message,
    instance: request.path,
    code: error.code,
    requestId: request.requestId,
    ...(errors === undefined ? {} : { errors }),
    ...(violatedPolicies === undefined ? {} : { violatedPolicies }),
  };
  return { status, headers, body };
}
