import { imagesOf } from "./compose-turns.ts";
import { ModelFailure, type ModelPiece, type Turn } from "./contract.ts";
import { failureOfResponse } from "./read-failure.ts";
import { readModelStream } from "./read-stream.ts";
import { type ProviderMessage, providerMessage } from "./provider-message.ts";
import type { Turnstile } from "./turnstile.ts";

/** How a provider wants to be spoken to. */
export interface Provider {
  /** Up to and without /chat/completions; a query (Azure's api-version) stays. */
  readonly baseUrl: string;
  /** Made anew for each call: tokens of Google expire. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The name of the field that bounds the answer; where it is refused, the other is tried once. */
  readonly limitField: LimitField;
  /** Whether `stream_options` may be sent, which asks for usage. */
  readonly asksUsage: boolean;
  /** Lets in so many requests with images at once: they are held whole until the provider answers. */
  readonly imageTurnstile?: Turnstile | undefined;
}
export type LimitField = "max_completion_tokens" | "max_tokens";

export interface ModelRequest {
  readonly model: string;
  readonly turns: readonly Turn[];
  /** Tokens that may be answered, thinking included. */
  readonly maxTokens: number;
  readonly temperature?: number | undefined;
  readonly textCharsMax: number;
  readonly startsThinking?: boolean | undefined;
  /**
   * How long the provider may send nothing at all, before the first byte and after it. Comments and
   * keep-alives count as signs of life.
   */
  readonly firstMsMax: number;
  readonly silenceMsMax: number;
  /** Ends the call; the provider hears of it, as the connection ends. */
  readonly signal: AbortSignal;
  /** Sent along, so that a provider's log can be laid beside ours. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of a refusal's body no more is read. */
const REFUSAL_BYTES_MAX = 64 * 1024;

/**
 * Asks a model and yields its answer as it comes. Called once, and once more without a field that the
 * provider does not know. Costs money at the provider; not idempotent.
 * @throws ModelFailure; the signal's reason where the caller ends the call
 */
export async function* callModel(provider: Provider, request: ModelRequest): AsyncGenerator<ModelPiece> {
  const watch = watchSilence(request);
  try {
    const response = await open(provider, request, watch.signal);
    watch.hear();
    yield* readModelStream(heard(response, watch), {
      textCharsMax: request.textCharsMax,
      tokensMax: request.maxTokens,
      startsThinking: request.startsThinking ?? false,
    });
  } catch (cause) {
    throw failureOf(cause, request.signal, watch.isSilent());
  } finally {
    watch.stop();
  }
}

async function open(provider: Provider, request: ModelRequest, signal: AbortSignal): Promise<Response> {
  const hasImages = request.turns.some((turn) => imagesOf(turn).length > 0);
  const turnstile = hasImages ? provider.imageTurnstile : undefined;
  await turnstile?.enter(signal);
  try {
    const messages = await Promise.all(request.turns.map(providerMessage));
    const response = await post(provider, request, messages, signal);
    if (response.ok) return response;
    const refusal = await readRefusal(response);
    const other = withoutUnknownField(provider, request, response.status, refusal);
    if (other === undefined) throw failureOfResponse(response.status, response.headers, refusal, hasImages);
    const second = await post(other.provider, other.request, messages, signal);
    if (second.ok) return second;
    throw failureOfResponse(second.status, second.headers, await readRefusal(second), hasImages);
  } finally {
    turnstile?.leave();
  }
}

async function post(
  provider: Provider,
  request: ModelRequest,
  messages: readonly ProviderMessage[],
  signal: AbortSignal,
): Promise<Response> {
  const url = new URL(provider.baseUrl);
  // Whoever copies an address mostly copies the whole of it.
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "")}/chat/completions`;
  return fetch(url, {
    method: "POST",
    signal,
    // A redirect would carry the key to wherever it points.
    redirect: "manual",
    headers: {
      "content-type": "application/json",
      accept: "text/event-stream",
      ...request.headers,
      ...(await provider.headers()),
    },
    body: JSON.stringify({
      model: request.model,
      messages,
      stream: true,
      [provider.limitField]: request.maxTokens,
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...(provider.asksUsage ? { stream_options: { include_usage: true } } : {}),
    }),
  });
}

/**
 * The same request without what a refusal names: one field may be unknown, and is then left out or called
 * otherwise.
 */
function withoutUnknownField(
  provider: Provider,
  request: ModelRequest,
  status: number,
  refusal: string,
): { provider: Provider; request: ModelRequest } | undefined {
  if (!UNKNOWN_FIELD_STATUS.has(status)) return undefined;
  const limit = limitIn(refusal, request.maxTokens);
  if (limit !== undefined) return { provider, request: { ...request, maxTokens: limit } };
  if (refusal.includes(provider.limitField) && UNKNOWN_FIELD.test(refusal)) {
    const limitField = provider.limitField === "max_tokens" ? "max_completion_tokens" : "max_tokens";
    // A provider that does not know the limit's new name may not know the newer options either.
    return {
      provider: { ...provider, limitField, asksUsage: limitField !== "max_tokens" && provider.asksUsage },
      request,
    };
  }
  if (/stream_options|include_usage/.test(refusal) && provider.asksUsage) {
    return { provider: { ...provider, asksUsage: false }, request };
  }
  if (/temperature/.test(refusal) && request.temperature !== undefined) {
    return { provider, request: { ...request, temperature: undefined } };
  }
  return undefined;
}

/** 416 is Scaleway's for a limit that is too high. */
const UNKNOWN_FIELD_STATUS: ReadonlySet<number> = new Set([400, 416, 422]);

/** An answer of fewer tokens is not what a provider means by its highest limit. */
const LIMIT_TOKENS_MIN = 16;

/**
 * The highest limit of tokens that a refusal names, where the one that was asked for is too high: "supports
 * at most 2048 completion tokens", "range is from 1 (inclusive) to 2049 (exclusive)", "4000 > 2048, which is
 * the maximum". Undefined where it is the question that is too long.
 */
function limitIn(refusal: string, asked: number): number | undefined {
  if (!/max_?(completion|output|new)?_?tokens/i.test(refusal)) return undefined;
  if (!/at most|range|maximum allowed|less than or equal|too large|too high|<= ?\d/i.test(refusal))
    return undefined;
  if (/context (length|window|size)/i.test(refusal)) return undefined;
  const beyond = /(\d+) \(exclusive\)/.exec(refusal)?.[1];
  const numbers =
    beyond === undefined
      ? [...refusal.matchAll(/\d+(?:[,_]\d{3})*/g)].map(([digits]) => Number(digits.replaceAll(/[,_]/g, "")))
      : [Number(beyond) - 1];
  const highest = Math.max(0, ...numbers.filter((each) => each < asked));
  return highest < LIMIT_TOKENS_MIN ? undefined : highest;
}

const UNKNOWN_FIELD =
  /unsupported|not support|unrecogni[sz]ed|unknown|extra|not permitted|unexpected|invalid (field|param)|instead/i;

async function readRefusal(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      if (text.length > REFUSAL_BYTES_MAX) break;
    }
  } catch {
    // The status says enough.
  }
  return text.slice(0, REFUSAL_BYTES_MAX);
}

interface SilenceWatch {
  readonly signal: AbortSignal;
  hear(): void;
  isSilent(): boolean;
  stop(): void;
}

function watchSilence({ firstMsMax, silenceMsMax, signal }: ModelRequest): SilenceWatch {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), firstMsMax);
  let hasBytes = false;
  return {
    signal: AbortSignal.any([signal, silence.signal]),
    hear() {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), hasBytes ? silenceMsMax : Math.max(firstMsMax, silenceMsMax));
      hasBytes = true;
    },
    isSilent: () => silence.signal.aborted,
    stop: () => clearTimeout(timer),
  };
}

async function* heard(response: Response, watch: SilenceWatch): AsyncGenerator<Uint8Array> {
  for await (const bytes of response.body ?? []) {
    watch.hear();
    yield bytes;
  }
}

/** Node names what became of a connection in the cause of a TypeError. */
function failureOf(cause: unknown, signal: AbortSignal, isSilent: boolean): unknown {
  if (signal.aborted) return signal.reason;
  if (cause instanceof ModelFailure) return cause;
  if (isSilent) return new ModelFailure("silent", "The model said nothing for too long.", {}, { cause });
  const code = (cause as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  const isUnreached =
    typeof code === "string" &&
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS|DEPTH_ZERO)/.test(
      code,
    );
  return isUnreached
    ? new ModelFailure("unreachable", "The provider is out of reach.", {}, { cause })
    : new ModelFailure("cut", "The connection to the provider broke.", {}, { cause });
}
