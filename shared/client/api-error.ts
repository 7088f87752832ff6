interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly requestId?: string;
  readonly errors?: readonly FieldError[];
  readonly cell?: { readonly url?: unknown };
}

export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** A failure as the API describes it (RFC 9457), or one of the way there: then the status is 0. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | undefined;
  /** As the server asked by Retry-After; 0 when it did not. */
  readonly retryAfterSeconds: number;
  readonly errors: readonly FieldError[];
  /** Where the API of the app is, when it is not where it was asked. */
  readonly movedTo: string | undefined;

  constructor(status: number, problem: Problem, retryAfterSeconds = 0, cause?: unknown) {
    const detail = problem.detail ?? problem.title ?? `The server answered ${status}.`;
    const fields = (problem.errors ?? []).map(({ path, message }) =>
      path === "" ? message : `${path}: ${message}`,
    );
    super(fields.length === 0 ? detail : `${detail} (${fields.join("; ")})`, { cause });
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? (status === 0 ? "unreachable" : "");
    this.detail = detail;
    this.requestId = problem.requestId;
    this.retryAfterSeconds = retryAfterSeconds;
    this.errors = problem.errors ?? [];
    this.movedTo =
      this.code === "moved" && typeof problem.cell?.url === "string" ? problem.cell.url : undefined;
  }

  /** True when the same request may succeed later; with its Idempotency-Key it does no harm. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export const isTransient = (cause: unknown): boolean => cause instanceof ApiError && cause.isTransient;

/** What an answer that is no success says; a gateway's page counts as a problem without words. */
export async function problemOf(response: Response): Promise<ApiError> {
  const problem = await response
    .json()
    .then((body: unknown) => (typeof body === "object" && body !== null ? body : {}))
    .catch(() => ({}));
  return new ApiError(response.status, problem, secondsOf(response.headers.get("retry-after")));
}

function secondsOf(value: string | null): number {
  const seconds = Number(value ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}
