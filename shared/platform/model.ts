import type OpenAI from "openai";
import type { Config } from "./config.ts";
import { currentContext, REQUEST_ID_HEADER, type RequestContext, TRACEPARENT_HEADER } from "./context.ts";
import { AppError } from "./errors.ts";
import { lazy } from "./lazy.ts";
import { beginSpan } from "./trace.ts";
import type { SpanAttributes } from "./trace-context.ts";

/** One turn of a conversation as models take it. */
export interface Turn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

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

/** Any endpoint that speaks OpenAI's chat completions. */
export function openModels(config: Pick<Config, "modelBaseUrl" | "modelApiKey">): Models {
  const client = lazy<OpenAI>(async () => {
    const { OpenAI } = await import("openai");
    return new OpenAI({ baseURL: config.modelBaseUrl, apiKey: config.modelApiKey, maxRetries: 0 });
  });
  return {
    async check(model) {
      await (await client.get()).models.retrieve(model);
    },
    async *stream({ model, turns, maxTokens, firstMsMax, signal }) {
      const silence = new AbortController();
      let timer = setTimeout(() => silence.abort(), firstMsMax);
      const span = beginSpan(`chat ${model}`, "client", { ...CHAT, "gen_ai.request.model": model });
      const context = span?.context ?? currentContext();
      let isFailed = false;
      try {
        const chunks = await (
          await client.get()
        ).chat.completions.create(
          {
            model,
            messages: [...turns],
            max_completion_tokens: maxTokens,
            stream: true,
            stream_options: { include_usage: true },
          },
          {
            signal: AbortSignal.any([signal, silence.signal]),
            ...(context === undefined ? {} : { headers: contextHeaders(context) }),
          },
        );
        let isFinished = false;
        for await (const { choices, usage } of chunks) {
          clearTimeout(timer);
          timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
          const [choice] = choices;
          if (choice?.delta.content) yield { text: choice.delta.content };
          if (choice?.finish_reason) {
            isFinished = true;
            span?.set({ "gen_ai.response.finish_reason": choice.finish_reason });
            yield { finish: choice.finish_reason };
          }
          if (usage) {
            const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = usage;
            span?.set({
              "gen_ai.usage.input_tokens": inputTokens,
              "gen_ai.usage.output_tokens": outputTokens,
            });
            yield { inputTokens, outputTokens };
          }
        }
        if (!isFinished) throw new Error("The stream ended before the answer did.");
      } catch (cause) {
        // Who has it stopped has no failed call.
        isFailed = !signal.aborted;
        throw new AppError("model_failed", "The model did not answer.", {}, { cause });
      } finally {
        clearTimeout(timer);
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
