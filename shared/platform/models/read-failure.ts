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
/** Said with 400, where the words may quote the question. */
const UNPAID = /insufficient.?(quota|balance|credit|fund)|credit balance|exceeded your current quota/i;
/**
 * A server without images may answer with any status: llama.cpp with 500, OpenRouter with 404, Groq and
 * DeepSeek find the message's form wrong.
 */
const IMAGES =
  /\bimages?\b|image_url|multi-?modal|vision|mmproj|content.{0,30}must be a string|unknown variant/i;
/** A request that no patience makes fit into the tokens of a minute. */
const TOO_LARGE_FOR_A_MINUTE = /request too large|must be reduced/i;

/** What a provider says of a failure, in whichever of their forms. */
interface Told {
  readonly code: string;
  readonly message: string;
  /** The status, where it stands in the body. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** The window that it names, of a question that is too long for it. */
  readonly windowTokens: number | undefined;
}

/** A refusal by status: the body says more than the number, as the same number means several things. Pure. */
export function failureOfResponse(
  status: number,
  headers: Headers,
  body: string,
  hasImages = false,
): ModelFailure {
  const told = read(parseJsonValue(body), isPage(body) ? "" : body);
  return failureFrom(told, status, { retryAfterMs: retryAfterOf(headers) ?? told.retryAfterMs, hasImages });
}

/** A failure in the middle of a stream: an `error` in a chunk, or an event of that name. Pure. */
export function failureOfEvent(value: unknown): ModelFailure {
  const told = read(value, "");
  return failureFrom(told, told.status ?? 500, { retryAfterMs: told.retryAfterMs, hasImages: false });
}

function failureFrom(
  told: Told,
  status: number,
  { retryAfterMs, hasImages }: { readonly retryAfterMs: number | undefined; readonly hasImages: boolean },
): ModelFailure {
  const words = `${told.code} ${told.message}`;
  const found = kindOf(status, words, retryAfterMs !== undefined);
  const kind = hasImages && MAY_MEAN_IMAGES.has(found) && IMAGES.test(words) ? "images" : found;
  const { windowTokens } = told;
  // The provider's own words may quote the question, so they stay out of our logs.
  return new ModelFailure(kind, `The provider answered ${status} (${kind}).`, {
    status,
    retryAfterMs,
    windowTokens,
  });
}

function kindOf(status: number, words: string, saysWhen: boolean): ModelFailureKind {
  if (status === 402 || /insufficient_quota/i.test(words)) return "quota";
  if (status === 429 && TOO_LARGE_FOR_A_MINUTE.test(words)) return "too_long";
  // Gemini calls the limit of a minute a quota too, and then says when it is over.
  if (status === 429 && QUOTA.test(words) && !saysWhen) return "quota";
  if (status === 400 && UNPAID.test(words)) return "quota";
  if (status === 401) return "unauthorized";
  // llama.cpp says so with 500.
  if (status === 413 || (status <= 500 && status !== 429 && TOO_LONG.test(words))) return "too_long";
  if (status < 500 && status !== 429 && REFUSED.test(words)) return "refused";
  if (status === 451) return "refused";
  if (status === 403) return "unauthorized";
  if (NO_SUCH_ADDRESS.has(status) || (status < 500 && UNKNOWN_MODEL.test(words))) return "unknown_model";
  if (status === 400 && UNAUTHORIZED.test(words)) return "unauthorized";
  if (status === 429 || status === 425) return "rate_limited";
  if (status === 503 || status === 529) return "overloaded";
  if (status >= 500 || PASSING.has(status) || status < 400) return "failed";
  return "invalid";
}

const MAY_MEAN_IMAGES: ReadonlySet<ModelFailureKind> = new Set(["invalid", "unknown_model", "failed"]);
const NO_SUCH_ADDRESS: ReadonlySet<number> = new Set([404, 405, 410]);
/**
 * What another try may change, although it is below 500: timeouts, conflicts, a service behind that fails.
 */
const PASSING: ReadonlySet<number> = new Set([408, 409, 423, 424, 499]);

/** What a proxy or a firewall shows is no word of the provider. */
const isPage = (body: string): boolean => /^\s*</.test(body);

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
  return {
    code,
    message,
    status: statusIn(inner),
    retryAfterMs: retryAfterIn(inner, message),
    windowTokens: windowIn(inner, message),
  };
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

/** In a field of its own (llama.cpp), or in words: OpenAI, vLLM, Mistral, Gemini. */
function windowIn(error: JsonObject, message: string): number | undefined {
  const told =
    /(?:context (?:length|window|size)|tokens allowed|model_len)\D{0,20}?(\d{3,8})/i.exec(message)?.[1] ??
    error["n_ctx"];
  const tokens = Number(told);
  return Number.isInteger(tokens) && tokens > 0 ? tokens : undefined;
}

/**
 * Google's RetryInfo, OpenAI's "try again in 1m26.4s", Gemini's "retry in 39.4s", Azure's "retry after 6
 * seconds".
 */
function retryAfterIn(error: JsonObject, message: string): number | undefined {
  const delays = listOf(error["details"]).map((detail) => stringOf(objectOf(detail)?.["retryDelay"]));
  const words = /(?:try again|retry) (?:in|after) (?<time>(?:\d+(?:\.\d+)? ?[a-z]+)+)/i.exec(message);
  const told = delays.find((delay) => delay !== undefined) ?? words?.groups?.["time"];
  if (told === undefined) return undefined;
  let ms = 0;
  for (const { 1: amount, 2: unit = "" } of told.matchAll(/(\d+(?:\.\d+)?) ?([a-z]+)/gi)) {
    ms += Number(amount) * (MS_OF.find(([name]) => name.test(unit))?.[1] ?? Number.NaN);
  }
  return ms > 0 || told.startsWith("0") ? bounded(ms) : undefined;
}

const MS_OF: readonly (readonly [RegExp, number])[] = [
  [/^ms$|^milli/i, 1],
  [/^s$|^sec/i, 1_000],
  [/^m$|^min/i, 60_000],
  [/^h$|^hour/i, 3_600_000],
];

function retryAfterOf(headers: Headers): number | undefined {
  const ms = headers.get("retry-after-ms");
  if (ms !== null && /^\d+(\.\d+)?$/.test(ms)) return bounded(Number(ms));
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  // A header that comes twice is a list.
  const seconds = /^(\d+(?:\.\d+)?)(?:,|$)/.exec(value)?.[1];
  if (seconds !== undefined) return bounded(Number(seconds) * 1000);
  // The provider's own Date stands for now, where it is told, so that its clock and ours may differ.
  const until = Date.parse(value);
  const now = Date.parse(headers.get("date") ?? new Date().toUTCString());
  return Number.isFinite(until - now) ? bounded(until - now) : undefined;
}

const bounded = (ms: number): number | undefined =>
  Number.isFinite(ms) ? Math.min(Math.max(0, Math.ceil(ms)), RETRY_AFTER_MS_MAX) : undefined;
