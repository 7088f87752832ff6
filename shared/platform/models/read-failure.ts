import { ModelFailure, type ModelFailureKind } from "./contract.ts";
import { type JsonObject, listOf, objectOf, parseJsonValue, stringOf } from "./json-value.ts";

/** A provider that asks for more is asked again after this. */
export const RETRY_AFTER_MS_MAX = 3_600_000;

const TOO_LONG =
  /context.?(length|window|size)|maximum context|max_model_len|n_ctx|too many (input |prompt )?tokens|(prompt|input|request|messages?) (is |are )?too (long|large)|exceed\w* .{0,40}(tokens?|context|window|input)|reduce the length|token limit/i;
const REFUSED =
  /content.?(management|filter|polic)|responsible.?ai|moderation|flagged|safety (system|setting|polic|reason)|prohibited|blocked by|usage polic|data_inspection/i;
const UNAUTHORIZED = /api.?key|unauthori[sz]ed|authenticat|credential|permission/i;
const UNKNOWN_MODEL =
  /model.{0,80}(not (be )?found|does ?n.t exist|does not exist|not exist|is not supported|not available|unknown|no longer)|(unknown|invalid|no such) model|no endpoints found|deploymentnotfound/i;
const QUOTA =
  /insufficient.?(quota|balance|credit|fund)|billing|exceeded your current quota|payment|out of credit|credit/i;

/** What a provider says of a failure, in whichever of their forms. */
interface Told {
  readonly code: string;
  readonly message: string;
  /** The status, where it stands in the body. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
}

/** A refusal by status: the body says more than the number, as the same number means several things. Pure. */
export function failureOfResponse(status: number, headers: Headers, body: string): ModelFailure {
  const told = read(parseJsonValue(body), body);
  return failureFrom(told, status, retryAfterOf(headers) ?? told.retryAfterMs);
}

/** A failure in the middle of a stream: an `error` in a chunk, or an event of that name. Pure. */
export function failureOfEvent(value: unknown): ModelFailure {
  const told = read(value, "");
  return failureFrom(told, told.status ?? 500, told.retryAfterMs);
}

function failureFrom(told: Told, status: number, retryAfterMs: number | undefined): ModelFailure {
  const kind = kindOf(status, `${told.code} ${told.message}`);
  // The provider's own words may quote the question, so they stay out of our logs.
  return new ModelFailure(kind, `The provider answered ${status} (${kind}).`, { status, retryAfterMs });
}

function kindOf(status: number, words: string): ModelFailureKind {
  if (status === 402 || (status === 429 && QUOTA.test(words)) || /insufficient_quota/i.test(words))
    return "quota";
  if (status === 401) return "unauthorized";
  if (status === 413 || (status < 500 && status !== 429 && TOO_LONG.test(words))) return "too_long";
  if (status < 500 && status !== 429 && REFUSED.test(words)) return "refused";
  if (status === 403) return "unauthorized";
  if (status === 404 || (status < 500 && UNKNOWN_MODEL.test(words))) return "unknown_model";
  if (status === 400 && UNAUTHORIZED.test(words)) return "unauthorized";
  if (status === 429 || status === 425) return "rate_limited";
  if (status === 503 || status === 529) return "overloaded";
  if (status >= 500 || status === 408 || status === 409 || status < 400) return "failed";
  return "invalid";
}

/**
 * OpenAI {error: {…}}, Google [{error}], Ollama {error: "…"}, FastAPI {detail}, vLLM {object: "error",
 * message}.
 */
function read(value: unknown, raw: string): Told {
  const outer = objectOf(listOf(value)[0]) ?? objectOf(value) ?? {};
  const inner = objectOf(outer["error"]) ?? outer;
  const words = [
    stringOf(outer["error"]),
    stringOf(inner["message"]),
    stringOf(inner["msg"]),
    stringOf(inner["type"]),
    stringOf(inner["status"]),
    ...listOf(inner["detail"]).map((entry) => stringOf(objectOf(entry)?.["msg"])),
    stringOf(inner["detail"]),
    innerCode(inner),
    Object.keys(inner).length === 0 ? raw : undefined,
  ];
  const code = stringOf(inner["code"]) ?? "";
  const message = words
    .filter((word) => word !== undefined)
    .join(" ")
    .slice(0, WORDS_MAX);
  return { code, message, status: statusIn(inner), retryAfterMs: retryAfterIn(inner, message) };
}

const WORDS_MAX = 4_000;

/** Azure puts the reason one deeper; OpenRouter says why a question was flagged. */
function innerCode(error: JsonObject): string | undefined {
  const code = stringOf(objectOf(error["innererror"])?.["code"]);
  const reasons = objectOf(error["metadata"])?.["reasons"];
  return [code, Array.isArray(reasons) ? "flagged" : undefined].filter(Boolean).join(" ") || undefined;
}

function statusIn(error: JsonObject): number | undefined {
  for (const name of ["code", "status", "status_code"]) {
    const status = Number(error[name]);
    if (Number.isInteger(status) && status >= 400 && status < 600) return status;
  }
  return undefined;
}

/** Google's RetryInfo, and OpenAI's "try again in 7.66s". */
function retryAfterIn(error: JsonObject, message: string): number | undefined {
  const delays = listOf(error["details"]).map((detail) => stringOf(objectOf(detail)?.["retryDelay"]));
  const told =
    /^([\d.]+)s$/.exec(delays.find((delay) => delay !== undefined) ?? "") ??
    /try again in ([\d.]+) ?s/i.exec(message);
  return told === null ? undefined : bounded(Number(told[1]) * 1000);
}

function retryAfterOf(headers: Headers): number | undefined {
  const ms = headers.get("retry-after-ms");
  if (ms !== null && /^\d+(\.\d+)?$/.test(ms)) return bounded(Number(ms));
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return bounded(Number(value) * 1000);
  // The provider's own Date stands for now, so that its clock and ours may differ.
  const until = Date.parse(value);
  const now = Date.parse(headers.get("date") ?? "");
  return Number.isFinite(until - now) ? bounded(until - now) : undefined;
}

const bounded = (ms: number): number | undefined =>
  Number.isFinite(ms) ? Math.min(Math.max(0, Math.ceil(ms)), RETRY_AFTER_MS_MAX) : undefined;
