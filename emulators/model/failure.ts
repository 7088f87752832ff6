import { jsonReply, type Reply } from "../kernel/http.ts";
import { httpError, type StatusError } from "../kernel/status-error.ts";
import { RETRY_AFTER_SECONDS } from "./limits.ts";

interface ModelWords {
  readonly param?: string | undefined;
  readonly code?: string | undefined;
}

/** A refusal or a failure, as OpenAI words it. */
export const modelError = (
  status: number,
  message: string,
  words: ModelWords = {},
): StatusError<ModelWords> =>
  httpError(status, message, {
    words,
    headers: status === 429 ? { "retry-after": String(RETRY_AFTER_SECONDS) } : {},
  });

export function errorBody({ httpStatus, message, words }: StatusError): object {
  const { param, code } = words as ModelWords;
  return { error: { message, type: typeOf(httpStatus), param: param ?? null, code: code ?? null } };
}

export const errorReply = (error: StatusError): Reply =>
  jsonReply(error.httpStatus, errorBody(error), error.headers, "application/json");

function typeOf(status: number): string {
  if (status === 429) return "requests";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

export const rateLimited = (model: string): StatusError =>
  modelError(429, `Rate limit reached for ${model}. Please try again in ${RETRY_AFTER_SECONDS}s.`, {
    code: "rate_limit_exceeded",
  });

export const serverFailure = (): StatusError =>
  modelError(500, "The server had an error while processing your request. Sorry about that!");

/** Statuses of planned faults whose gRPC code OpenAI has an equivalent of. */
const FAULT_STATUS: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  INTERNAL: 500,
  DEADLINE_EXCEEDED: 504,
};

export function plannedFailure(code: string, model: string): StatusError {
  if (code === "RESOURCE_EXHAUSTED") return rateLimited(model);
  return modelError(FAULT_STATUS[code] ?? 503, "A planned fault.");
}
