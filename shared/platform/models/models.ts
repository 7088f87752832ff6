import type { Config } from "../config.ts";
import { currentContext, REQUEST_ID_HEADER, type RequestContext, TRACEPARENT_HEADER } from "../context.ts";
import { AppError } from "../errors.ts";
import { openGoogleToken } from "../google-token.ts";
import { lazy } from "../lazy.ts";
import { beginSpan, type Span } from "../trace.ts";
import type { SpanAttributes } from "../trace-context.ts";
import { callModel, type Provider } from "./call-model.ts";
import { createCatalog, type ModelCatalog, type ModelSpec } from "./catalog.ts";
import type { ModelPiece, Turn } from "./contract.ts";
import { PRESETS } from "./presets.ts";
import { createTurnstile, type Turnstile } from "./turnstile.ts";

export interface ModelCall {
  /** Its id in the catalog. */
  readonly model: string;
  readonly turns: readonly Turn[];
  /** Tokens of the answer, thinking included. */
  readonly maxTokens: number;
  readonly temperature?: number | undefined;
  /** Whose patience counts for the first byte. */
  readonly lane: "fast" | "slow";
  /** Ends the call; the provider hears of it, as the connection ends. */
  readonly signal: AbortSignal;
}

export interface Models {
  readonly catalog: ModelCatalog;
  /**
   * Asks a model and yields its answer as it comes. Never repeated by itself: a call may cost money.
   * @throws ModelFailure; the signal's reason where the caller ends the call
   */
  stream(call: ModelCall): AsyncGenerator<ModelPiece>;
  /**
   * Asks the provider for a model, which costs nothing. @throws when it does not answer, or does not have it
   */
  check(model: string): Promise<void>;
}

/** Of an answer no more is taken: what is stored has to fit a document, with its index. UTF-16 units. */
export const ANSWER_CHARS_MAX = 100_000;

/** Each holds up to 8 MiB until its provider answers. */
const IMAGE_REQUESTS_MAX = 8;

type ModelConfig = Pick<Config, "modelBaseUrl" | "modelPreset" | "modelEntries" | "modelKeys">;

/** Any endpoints that speak OpenAI's chat completions. */
export function openModels(config: ModelConfig): Models {
  const catalog = createCatalog(config.modelEntries, {
    baseUrl: config.modelBaseUrl,
    preset: config.modelPreset,
  });
  const googleToken = lazy(async () => openGoogleToken());
  const imageTurnstile = createTurnstile(IMAGE_REQUESTS_MAX);
  const turnstiles = new Map<string, Turnstile>();
  const turnstileOf = ({ id, concurrency }: ModelSpec): Turnstile | undefined => {
    if (concurrency === undefined) return undefined;
    const turnstile = turnstiles.get(id) ?? createTurnstile(concurrency);
    turnstiles.set(id, turnstile);
    return turnstile;
  };
  const headersOf = async ({ preset, keyName }: ModelSpec): Promise<Record<string, string>> => {
    const { key } = PRESETS[preset];
    if (key === "google") return { authorization: `Bearer ${await (await googleToken.get())()}` };
    const value = config.modelKeys[keyName] ?? "";
    return key === "api-key" ? { "api-key": value } : { authorization: `Bearer ${value}` };
  };
  const providerOf = (spec: ModelSpec): Provider => ({
    ...spec,
    headers: () => headersOf(spec),
    imageTurnstile,
  });

  return {
    catalog,
    async check(model) {
      const spec = catalog.of(model);
      const url = new URL(spec.baseUrl);
      url.pathname = `${url.pathname.replace(/\/+$/, "")}/models/${encodeURIComponent(spec.model)}`;
      const response = await fetch(url, { headers: await headersOf(spec), redirect: "manual" });
      await response.body?.cancel();
      if (!response.ok) throw new AppError("model_failed", `The provider answered ${response.status}.`);
    },
    async *stream({ model, turns, maxTokens, temperature, lane, signal }) {
      const spec = catalog.of(model);
      const span = beginSpan(`chat ${model}`, "client", { ...CHAT, "gen_ai.request.model": spec.model });
      const context = span?.context ?? currentContext();
      const turnstile = turnstileOf(spec);
      let isFailed = false;
      await turnstile?.enter(signal);
      try {
        const pieces = callModel(providerOf(spec), {
          model: spec.model,
          turns,
          maxTokens,
          temperature,
          textCharsMax: ANSWER_CHARS_MAX,
          startsThinking: spec.startsThinking,
          firstMsMax: spec.firstMsMax[lane],
          silenceMsMax: spec.silenceMsMax,
          signal,
          ...(context === undefined ? {} : { headers: contextHeaders(context) }),
        });
        for await (const piece of pieces) {
          tellSpan(span, piece);
          yield piece;
        }
      } catch (cause) {
        // A call that its caller has stopped is no failure.
        isFailed = !signal.aborted;
        throw cause;
      } finally {
        turnstile?.leave();
        span?.end(isFailed);
      }
    },
  };
}

const CHAT: SpanAttributes = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" };

function tellSpan(span: Span | undefined, piece: ModelPiece): void {
  if (piece.kind === "finish") span?.set({ "gen_ai.response.finish_reason": piece.reason });
  if (piece.kind !== "usage") return;
  const { inputTokens, outputTokens } = piece.usage;
  span?.set({
    ...(inputTokens === undefined ? {} : { "gen_ai.usage.input_tokens": inputTokens }),
    ...(outputTokens === undefined ? {} : { "gen_ai.usage.output_tokens": outputTokens }),
  });
}

/** So that a provider's log can be laid beside ours. */
const contextHeaders = ({ requestId, traceparent }: RequestContext): Record<string, string> => ({
  [REQUEST_ID_HEADER]: requestId,
  [TRACEPARENT_HEADER]: traceparent,
});
