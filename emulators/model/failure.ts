import { RETRY_AFTER_SECONDS } from "./limits.ts";

/** A refusal or a failure, as OpenAI words it. */
export class ModelFailure extends Error {
  readonly status: number;
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, { param, code }: { param?: string; code?: string } = {}) {
    super(message);
    this.status = status;
    this.body = { error: { message, type: typeOf(status), param: param ?? null, code: code ?? null } };
    this.headers = status === 429 ? { "retry-after": String(RETRY_AFTER_SECONDS) } : {};
  }
}

function typeOf(status: number): string {
  if (status === 429) return "requests";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

export const rateLimited = (model: string): ModelFailure =>
  new ModelFailure(429, `Rate limit reached for ${model}. Please try again in ${RETRY_AFTER_SECONDS}s.`, {
    code: "rate_limit_exceeded",
  });

export const serverFailure = (): ModelFailure =>
  new ModelFailure(500, "The server had an error while processing your request. Sorry about that!");

/** Statuses of planned faults whose gRPC code OpenAI has an equivalent of. */
const FAULT_STATUS: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  INTERNAL: 500,
  DEADLINE_EXCEEDED: 504,
};

export function plannedFailure(code: string, model: string): ModelFailure {
  if (code === "RESOURCE_EXHAUSTED") return rateLimited(model);
  return new ModelFailure(FAULT_STATUS[code] ?? 503, "A planned fault.");
}
