import { type AppError, FAILURES } from "../../shared/platform/errors.ts";

/** A refusal repeats no more than this of the address; a longer one has no route anyway. */
const INSTANCE_CHARS_MAX = 2_000;

/** No refusal is larger, whatever it refuses. Invariant: functions/flows/platform/bounds.test.ts. */
export const REFUSAL_BYTES_MAX = 16 * 1024;

/** An error as RFC 9457 problem details. */
export function problemOf(
  error: AppError,
  request: { readonly publicUrl: string; readonly path: string; readonly requestId: string },
): { status: number; headers: Record<string, string>; body: object } {
  const { status, title } = FAILURES[error.code];
  const { errors, errorsCount, retryAfterSeconds, violatedPolicies, cell } = error.details;
  const { allow, closeConnection } = error.details;
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
    instance: request.path.slice(0, INSTANCE_CHARS_MAX),
    code: error.code,
    requestId: request.requestId,
    ...(errors === undefined ? {} : { errors }),
    ...(errorsCount === undefined ? {} : { errorsCount }),
    ...(violatedPolicies === undefined ? {} : { violatedPolicies }),
    ...(cell === undefined ? {} : { cell }),
  };
  return { status, headers, body };
}
