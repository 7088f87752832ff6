import type { Config } from "./config.ts";
import { currentContext, REQUEST_ID_HEADER, type RequestContext, TRACEPARENT_HEADER } from "./context.ts";
import { AppError } from "./errors.ts";
import { callModel, type Provider } from "./models/call-model.ts";
import type { Turn } from "./models/contract.ts";
import { beginSpan } from "./trace.ts";
import type { SpanAttributes } from "./trace-context.ts";

export type { Turn } from "./models/contract.ts";

export interface ModelCall {
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly maxTokens: number;
  /** The first piece has to come within this time. */
  readonly firstMsMax: number;
  /** Ends the call; the provider hears of it, as the connection ends. */
  readonly signal: AbortSignal;
}

/** A piece of text, or at the end what the answer took and why it ended. */
export type ModelPiece =
  | { readonly text: string }
  | { readonly inputTokens: number; readonly outputTokens: number }
  | { readonly finish: string };

export interface Models {
  /**
   * Asks a model and yields its answer as it comes. Never repeated by itself: a call may cost money.
   * @throws AppError `model_failed` when it refuses, breaks off or is out of reach
   */
  stream(call: ModelCall): AsyncGenerator<ModelPiece>;
  /** Asks the provider for a model, which costs nothing. @throws when it does not answer, or does not have it */
  check(model: string): Promise<void>;
}

/** Nothing more for so long: the connection is dead, or the model is. */
export const SILENCE_MS_MAX = 60_000;

/** Of an answer no more is taken: what is stored has to fit a document, with its index. */
export const ANSWER_CHARS_MAX = 100_000;

/** Any endpoint that speaks OpenAI's chat completions. */
export function openModels(config: Pick<Config, "modelBaseUrl" | "modelApiKey">): Models {
  const provider: Provider = {
    baseUrl: config.modelBaseUrl,
    headers: async () => ({ authorization: `Bearer ${config.modelApiKey}` }),
    limitField: "max_completion_tokens",
    asksUsage: true,
  };
  return {
    async check(model) {
      const url = `${config.modelBaseUrl.replace(/\/+$/, "")}/models/${encodeURIComponent(model)}`;
      const response = await fetch(url, { headers: await provider.headers(), redirect: "manual" });
      await response.body?.cancel();
      if (!response.ok) throw new AppError("model_failed", `The provider answered ${response.status}.`);
    },
    async *stream({ model, turns, maxTokens, firstMsMax, signal }) {
      const span = beginSpan(`chat ${model}`, "client", { ...CHAT, "gen_ai.request.model": model });
      const context = span?.context ?? currentContext();
      let isFailed = false;
      try {
        const pieces = callModel(provider, {
          model,
          turns,
          maxTokens,
          textCharsMax: ANSWER_CHARS_MAX,
          firstMsMax,
          silenceMsMax: SILENCE_MS_MAX,
          signal,
          ...(context === undefined ? {} : { headers: contextHeaders(context) }),
        });
        for await (const piece of pieces) {
          if (piece.kind === "text") yield { text: piece.text };
          else if (piece.kind === "finish") {
            span?.set({ "gen_ai.response.finish_reason": piece.reason });
            yield { finish: piece.reason };
          } else if (piece.kind === "usage") {
            const { inputTokens, outputTokens } = piece.usage;
            if (inputTokens === undefined || outputTokens === undefined) continue;
            span?.set({
              "gen_ai.usage.input_tokens": inputTokens,
              "gen_ai.usage.output_tokens": outputTokens,
            });
            yield { inputTokens, outputTokens };
          }
        }
      } catch (cause) {
        // Who has it stopped has no failed call.
        isFailed = !signal.aborted;
        throw new AppError("model_failed", "The model did not answer.", {}, { cause });
      } finally {
        span?.end(isFailed);
      }
    },
  };
}

const CHAT: SpanAttributes = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" };

/** So that a provider's log can be laid beside ours. */
const contextHeaders = ({ requestId, traceparent }: RequestContext): Record<string, string> => ({
  [REQUEST_ID_HEADER]: requestId,
  [TRACEPARENT_HEADER]: traceparent,
});
