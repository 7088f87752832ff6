/**
 * A failure as the API describes it (RFC 9457), or one of the way there (status 0).
 */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{ detail?: string, title?: string, code?: string, errors?: { path: string, message: string }[] }} problem
   * @param {number} retryAfterMs
   */
  constructor(status, problem, retryAfterMs) {
    super(sentenceOf(status, problem));
    this.status = status;
    this.code = problem.code ?? "";
    this.retryAfterMs = retryAfterMs;
  }

  /** True when the same request may succeed later; with its Idempotency-Key it does no harm. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @param {number} status
 * @param {{ detail?: string, title?: string, errors?: { path: string, message: string }[] }} problem
 */
function sentenceOf(status, problem) {
  const fields = (problem.errors ?? []).map(({ path, message }) =>
    path === "" ? message : `${path}: ${message}`,
  );
  const sentence = problem.detail ?? problem.title ?? `The server answered ${status}.`;
  return fields.length === 0 ? sentence : `${sentence} (${fields.join("; ")})`;
}

/**
 * @typedef {object} Asked
 * @property {unknown} [body]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive] goes on when the page is left
 *
 * @typedef {{ status: number, data: any, headers: Headers, ms: number }} Answer
 */

/**
 * One request in JSON. Answers with what came, 304 included; throws ApiError for problems.
 *
 * @param {string} method
 * @param {string} url
 * @param {Asked} [asked]
 * @returns {Promise<Answer>}
 */
export async function send(method, url, { body, headers = {}, signal, keepalive = false } = {}) {
  const startedAt = performance.now();
  const response = await reach(url, {
    method,
    keepalive,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const data = await readJson(response);
  if (!response.ok && response.status !== 304) {
    throw new ApiError(response.status, data ?? {}, Number(response.headers.get("retry-after") ?? 0) * 1000);
  }
  return { status: response.status, data, headers: response.headers, ms: performance.now() - startedAt };
}

/** @param {string} url @param {RequestInit} init */
async function reach(url, init) {
  try {
    return await fetch(url, { ...init, cache: "no-store" });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError(0, { detail: "The server can't be reached. Is it running?" }, 0);
  }
}

/** @param {Response} response */
async function readJson(response) {
  const text = await response.text();
  if (!/[/+]json/.test(response.headers.get("content-type") ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
