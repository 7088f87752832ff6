import { z } from "zod";
import type { StatusError } from "../kernel/status-error.ts";
import { modelError } from "./failure.ts";
import { isModelName, MESSAGES_MAX, MODELS, type ModelName, OUTPUT_TOKENS_MAX, STOPS_MAX } from "./limits.ts";
import { promptTokens } from "./tokens.ts";

const Part = z.looseObject({ type: z.string(), text: z.string().optional() });
const Content = z.union([z.string(), z.array(Part).min(1)]);
const Message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: Content.nullish(),
  name: z.string().optional(),
});

/** Taken as any number in the range and without effect: the answers are made by rules. */
const Without = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.boolean().nullish(),
  service_tier: z.string().nullish(),
  reasoning_effort: z.string().nullish(),
  verbosity: z.string().nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  parallel_tool_calls: z.boolean().optional(),
};

const ChatCompletion = z.strictObject({
  model: z.string().min(1),
  messages: z.array(Message).min(1).max(MESSAGES_MAX),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string(), z.array(z.string().min(1)).max(STOPS_MAX)]).nullish(),
  n: z.int().min(1).max(128).nullish(),
  response_format: z.looseObject({ type: z.enum(["text", "json_object", "json_schema"]) }).optional(),
  tools: z.array(z.unknown()).optional(),
  tool_choice: z.unknown().optional(),
  functions: z.array(z.unknown()).optional(),
  function_call: z.unknown().optional(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().nullish(),
  modalities: z.array(z.string()).nullish(),
  audio: z.unknown().optional(),
  prediction: z.unknown().optional(),
  web_search_options: z.unknown().optional(),
  ...Without,
});
type ChatCompletion = z.infer<typeof ChatCompletion>;

export interface Turn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A call for a completion, checked. */
export interface CompletionCall {
  readonly model: ModelName;
  readonly turns: readonly Turn[];
  readonly promptTokens: number;
  /** How many tokens the answer may have. */
  readonly tokensMax: number;
  readonly stops: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** The names of the parameters that the call has. */
  readonly parameters: readonly string[];
}

/** @throws StatusError as OpenAI would refuse it, or 501 for what OpenAI has and this has not */
export function parseCompletionCall(json: unknown): CompletionCall {
  const parsed = ChatCompletion.safeParse(json);
  if (!parsed.success) throw refusalOf(parsed.error);
  const body = parsed.data;
  const { model } = body;
  if (!isModelName(model)) throw noModel(model);
  refuseUnserved(body);
  if (body.stream_options && body.stream !== true) {
    throw modelError(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: "stream_options",
    });
  }
  const turns = body.messages.map(turnOf);
  return {
    model,
    turns,
    ...tokensOfCall(model, turns, body),
    stops: typeof body.stop === "string" ? [body.stop] : (body.stop ?? []),
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage === true,
    parameters: Object.keys(body),
  };
}

export const noModel = (model: string): StatusError =>
  modelError(404, `The model '${model}' does not exist or you do not have access to it.`, {
    param: "model",
    code: "model_not_found",
  });

function refusalOf({ issues: [issue] }: z.ZodError): StatusError {
  if (issue?.code === "unrecognized_keys") {
    const param = issue.keys[0] ?? "";
    const message = `Unrecognized request argument supplied: ${param}`;
    return modelError(400, message, { param, code: "unknown_parameter" });
  }
  const param = issue?.path.join(".") ?? "";
  return modelError(400, `Invalid value for '${param}': ${issue?.message ?? "not as expected"}.`, {
    param,
    code: "invalid_value",
  });
}

function refuseUnserved(body: ChatCompletion): void {
  const unserved = {
    n: (body.n ?? 1) > 1,
    tools: (body.tools ?? body.functions ?? []).length > 0,
    logprobs: body.logprobs === true || (body.top_logprobs ?? 0) > 0,
    response_format: body.response_format !== undefined && body.response_format.type !== "text",
    modalities: body.modalities?.some((modality) => modality !== "text") === true,
    web_search_options: body.web_search_options !== undefined,
  };
  const param = Object.entries(unserved).find(([, isAsked]) => isAsked)?.[0];
  if (param !== undefined) throw unservedParameter(param);
}

const unservedParameter = (param: string): StatusError =>
  modelError(501, `The model emulator does not serve '${param}'.`, { param, code: "not_implemented" });

function turnOf({ role, content }: z.infer<typeof Message>, index: number): Turn {
  if (role === "tool" || role === "function") throw unservedParameter(`messages.${index}.role`);
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
  const text = parts.map((part, at) => {
    if (part.type !== "text") throw unservedParameter(`messages.${index}.content.${at}.type`);
    return part.text ?? "";
  });
  return { role: role === "developer" ? "system" : role, content: text.join("\n") };
}

function tokensOfCall(
  model: ModelName,
  turns: readonly Turn[],
  body: ChatCompletion,
): Pick<CompletionCall, "promptTokens" | "tokensMax"> {
  if (body.max_tokens && body.max_completion_tokens) {
    throw modelError(400, "Setting 'max_tokens' and 'max_completion_tokens' at once is not supported.", {
      code: "invalid_parameter_combination",
    });
  }
  const requested = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  if (requested !== undefined && requested > OUTPUT_TOKENS_MAX) {
    throw modelError(
      400,
      `max_tokens is too large: ${requested}. This model supports at most ${OUTPUT_TOKENS_MAX} completion tokens.`,
      { param: body.max_tokens ? "max_tokens" : "max_completion_tokens", code: "invalid_value" },
    );
  }
  const prompt = promptTokens(turns);
  const { contextTokens } = MODELS[model];
  if (prompt + (requested ?? 1) > contextTokens) {
    throw modelError(
      400,
      `This model's maximum context length is ${contextTokens} tokens. However, your messages resulted in ${prompt} tokens.`,
      { param: "messages", code: "context_length_exceeded" },
    );
  }
  return {
    promptTokens: prompt,
    tokensMax: requested ?? Math.min(OUTPUT_TOKENS_MAX, contextTokens - prompt),
  };
}
