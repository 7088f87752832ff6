import type { FinishReason, ModelFailureKind, ModelUsage } from "../platform/models/contract.ts";

/**
 * What providers answer, written after their documentation and what their users report. Each has what is on
 * the wire, and what has to become of it.
 */
export interface ProviderStream {
  readonly provider: string;
  readonly name: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Parts are sent one after the other; a Buffer may end within a character. */
  readonly body: readonly (string | Buffer)[];
  /** The connection breaks after the body. */
  readonly breaks?: boolean;
  readonly startsThinking?: boolean;
  readonly expected: ExpectedAnswer | ExpectedFailure;
}
export interface ExpectedFailure {
  readonly failure: ModelFailureKind;
  readonly retryAfterMs?: number;
}
export interface ExpectedAnswer {
  readonly text: string;
  readonly thinking?: string;
  readonly finish: FinishReason;
  readonly usage?: ModelUsage;
  readonly calls?: readonly { readonly id?: string; readonly name: string; readonly arguments: string }[];
}

const data = (...values: readonly unknown[]): string =>
  values.map((value) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`).join("");
const chunk = (delta: unknown, choice: object = {}, rest: object = {}): object => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_764_000_000,
  model: "some-model",
  choices: [{ index: 0, delta, finish_reason: null, ...choice }],
  ...rest,
});
const say = (content: unknown): object => chunk({ content });
const end = (reason: unknown = "stop", rest: object = {}): object =>
  chunk({}, { finish_reason: reason }, rest);
const usageChunk = (usage: unknown): object => ({ ...chunk({}), choices: [], usage });
const USAGE = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
const COUNTED = { inputTokens: 12, outputTokens: 3 };
const DONE = "[DONE]";
const hello = (usage?: ModelUsage): ExpectedAnswer => ({
  text: "Hello there",
  finish: "stop",
  ...(usage === undefined ? {} : { usage }),
});
const HELLO = [say("Hello"), say(" there")] as const;
const refusal = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers,
  body: [typeof body === "string" ? body : JSON.stringify(body)],
});

export const PROVIDER_STREAMS: readonly ProviderStream[] = [
  // OpenAI
  {
    provider: "OpenAI",
    name: "role first, usage in a chunk without choices",
    body: [
      data(
        chunk({ role: "assistant", content: "", refusal: null }),
        ...HELLO,
        end(),
        usageChunk(USAGE),
        DONE,
      ),
    ],
    expected: hello(COUNTED),
  },
  {
    provider: "OpenAI",
    name: "usage null in all chunks but the last, with cached and reasoning tokens",
    body: [
      data(
        ...HELLO.map((each) => ({ ...each, usage: null })),
        { ...end(), usage: null },
        usageChunk({
          ...USAGE,
          prompt_tokens_details: { cached_tokens: 8, audio_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 2 },
        }),
        DONE,
      ),
    ],
    expected: hello({ ...COUNTED, cachedTokens: 8, thinkingTokens: 2 }),
  },
  {
    provider: "OpenAI",
    name: "obfuscation fields and unknown keys",
    body: [data({ ...say("Hello there"), obfuscation: "aB3", service_tier: "default" }, end(), DONE)],
    expected: hello(),
  },
  {
    provider: "OpenAI",
    name: "a refusal in its own field",
    body: [data(chunk({ refusal: "I can't " }), chunk({ refusal: "help with that." }), end(), DONE)],
    expected: { text: "I can't help with that.", finish: "refusal" },
  },
  {
    provider: "OpenAI",
    name: "cut by the limit",
    body: [data(...HELLO, end("length"), DONE)],
    expected: { ...hello(), finish: "length" },
  },
  {
    provider: "OpenAI",
    name: "cut by a filter",
    body: [data(say("Hello"), end("content_filter"), DONE)],
    expected: { text: "Hello", finish: "content_filter" },
  },
  {
    provider: "OpenAI",
    name: "a tool call in pieces",
    body: [
      data(
        chunk({
          role: "assistant",
          content: null,
          tool_calls: [
            { index: 0, id: "call_1", type: "function", function: { name: "weather", arguments: "" } },
          ],
        }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '"Turin"}' } }] }),
        end("tool_calls"),
        DONE,
      ),
    ],
    expected: {
      text: "",
      finish: "tool_calls",
      calls: [{ id: "call_1", name: "weather", arguments: '{"city":"Turin"}' }],
    },
  },
  {
    provider: "OpenAI",
    name: "a second choice beside the first",
    body: [
      data(
        say("Hello"),
        chunk({ content: "Servus" }, { index: 1 }),
        say(" there"),
        chunk({}, { index: 1, finish_reason: "length" }),
        end(),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "OpenAI",
    name: "a second choice that speaks before the first",
    body: [
      data(
        chunk({ role: "assistant" }, { index: 1 }),
        chunk({ content: "Servus" }, { index: 1 }),
        chunk({ role: "assistant", content: "" }),
        say("Hello"),
        chunk({ content: " beinand" }, { index: 1 }),
        say(" there"),
        chunk({}, { index: 1, finish_reason: "length" }),
        end(),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "OpenAI",
    name: "a second choice that is whole before the first begins",
    body: [
      data(
        chunk({ content: "Servus" }, { index: 1 }),
        chunk({}, { index: 1, finish_reason: "length" }),
        ...HELLO,
        end(),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "OpenAI",
    name: "three choices, a word of each in turn",
    body: [
      data(
        say("Hello"),
        chunk({ content: "Servus" }, { index: 1 }),
        chunk({ content: "Moin" }, { index: 2 }),
        say(" there"),
        chunk({ content: " beinand" }, { index: 1 }),
        chunk({ content: " moin" }, { index: 2 }),
        end(),
        chunk({}, { index: 1, finish_reason: "length" }),
        chunk({}, { index: 2, finish_reason: "length" }),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "OpenAI",
    name: "two choices whose numbers are strings",
    body: [
      data(
        chunk({ content: "Servus" }, { index: "1" }),
        chunk({ content: "Hello" }, { index: "0" }),
        chunk({ content: " there" }, { index: "0", finish_reason: "stop" }),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "OpenAI",
    name: "two choices without numbers in one chunk",
    body: [
      data(
        { choices: [{ delta: { content: "Hello there" } }, { delta: { content: "Servus" } }] },
        {
          choices: [
            { delta: {}, finish_reason: "stop" },
            { delta: {}, finish_reason: "length" },
          ],
        },
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "Foundry Local",
    name: "a choice that is numbered anew with each chunk",
    body: [
      data(
        ...["Hel", "lo", " the", "re"].map((text, index) =>
          chunk({ role: "assistant", content: text }, { index }),
        ),
        chunk({}, { index: 4, finish_reason: "stop" }),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "TGI",
    name: "a choice that is numbered by its tokens, from 1",
    body: [
      data(
        ..."Hello there".split("").map((text, index) => chunk({ content: text }, { index: index + 1 })),
        chunk({}, { index: 12, finish_reason: "stop" }),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "Bedrock Mantle",
    name: "tool calls numbered from 1",
    body: [
      data(
        chunk({
          tool_calls: [{ index: 1, id: "call_1", function: { name: "weather", arguments: '{"city":' } }],
        }),
        chunk({ tool_calls: [{ index: 1, function: { arguments: '"Turin"}' } }] }),
        end("tool_calls"),
        DONE,
      ),
    ],
    expected: {
      text: "",
      finish: "tool_calls",
      calls: [{ id: "call_1", name: "weather", arguments: '{"city":"Turin"}' }],
    },
  },
  {
    provider: "Gemini",
    name: "two tool calls with the same number",
    body: [
      data(
        chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "weather", arguments: "{}" } }] }),
        chunk({ tool_calls: [{ index: 0, id: "b", function: { name: "clock", arguments: "{}" } }] }),
        end("tool_calls"),
        DONE,
      ),
    ],
    expected: {
      text: "",
      finish: "tool_calls",
      calls: [
        { id: "a", name: "weather", arguments: "{}" },
        { id: "b", name: "clock", arguments: "{}" },
      ],
    },
  },
  {
    provider: "LiteLLM",
    name: "thinking under the number 0, text under 1 (Bedrock)",
    body: [
      data(
        chunk({ reasoning_content: "Be polite." }),
        chunk({ content: "Hello" }, { index: 1 }),
        chunk({ content: " there" }, { index: 1 }),
        end(),
        DONE,
      ),
    ],
    expected: { ...hello(), thinking: "Be polite." },
  },
  {
    provider: "OpenAI",
    name: "both choices in one chunk, ours last",
    body: [
      data(
        { choices: [{ index: 0, delta: { content: "Hello there" } }] },
        {
          choices: [
            { index: 1, delta: { content: "Servus" } },
            { index: 0, delta: {}, finish_reason: "stop" },
          ],
        },
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "OpenAI",
    name: "an emoji whose halves come in two chunks",
    body: [data(say("Hello there \ud83d"), say("\ude00!"), end(), DONE)],
    expected: { text: "Hello there 😀!", finish: "stop" },
  },
  {
    provider: "OpenAI",
    name: "half an emoji that stays alone",
    body: [data(say("Hello\ud83d"), end(), DONE)],
    expected: { text: "Hello\ufffd", finish: "stop" },
  },
  {
    provider: "OpenAI",
    name: "bytes cut within a character and within a line",
    body: splitBytes(data(say("Grüße 世界 😀"), end(), DONE), 7),
    expected: { text: "Grüße 世界 😀", finish: "stop" },
  },
  {
    provider: "OpenAI",
    name: "context too long",
    ...refusal(400, {
      error: {
        message:
          "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
        type: "invalid_request_error",
        param: "messages",
        code: "context_length_exceeded",
      },
    }),
    expected: { failure: "too_long" },
  },
  {
    provider: "OpenAI",
    name: "rate limited, with a header",
    ...refusal(
      429,
      { error: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" } },
      { "retry-after": "20" },
    ),
    expected: { failure: "rate_limited", retryAfterMs: 20_000 },
  },
  {
    provider: "OpenAI",
    name: "rate limited, told in words",
    ...refusal(429, {
      error: {
        message: "Rate limit reached for gpt. Please try again in 7.66s.",
        code: "rate_limit_exceeded",
      },
    }),
    expected: { failure: "rate_limited", retryAfterMs: 7_660 },
  },
  {
    provider: "OpenAI",
    name: "a question that is too large for the tokens of a minute",
    ...refusal(429, {
      error: {
        message:
          "Request too large for some-model on tokens per min (TPM): Limit 30000, Requested 30500. The input or output tokens must be reduced.",
        type: "tokens",
        code: "rate_limit_exceeded",
      },
    }),
    expected: { failure: "too_long" },
  },
  {
    provider: "OpenAI",
    name: "rate limited, for minutes and seconds",
    ...refusal(429, { error: { message: "Rate limit reached. Please try again in 1m26.4s. Visit …" } }),
    expected: { failure: "rate_limited", retryAfterMs: 86_400 },
  },
  {
    provider: "OpenAI",
    name: "rate limited, for milliseconds",
    ...refusal(429, { error: { message: "Rate limit reached. Please try again in 120ms." } }),
    expected: { failure: "rate_limited", retryAfterMs: 120 },
  },
  {
    provider: "Azure",
    name: "rate limited, told in words of its own",
    ...refusal(429, {
      error: { code: "429", message: "Requests have exceeded the rate limit. Please retry after 6 seconds." },
    }),
    expected: { failure: "rate_limited", retryAfterMs: 6_000 },
  },
  {
    provider: "a proxy",
    name: "a Retry-After that two servers have set",
    ...refusal(429, { error: { message: "Too many requests" } }, { "retry-after": "20, 20" }),
    expected: { failure: "rate_limited", retryAfterMs: 20_000 },
  },
  {
    provider: "a proxy",
    name: "a firewall's page",
    ...refusal(403, "<!doctype html><title>Blocked</title>Blocked by our content policy. Contact support.", {
      "content-type": "text/html",
    }),
    expected: { failure: "unauthorized" },
  },
  {
    provider: "a proxy",
    name: "a method that the address does not take",
    ...refusal(405, "Method Not Allowed", { "content-type": "text/plain" }),
    expected: { failure: "unknown_model" },
  },
  {
    provider: "OpenAI",
    name: "quota used up",
    ...refusal(429, {
      error: {
        message: "You exceeded your current quota, please check your plan.",
        code: "insufficient_quota",
      },
    }),
    expected: { failure: "quota" },
  },
  {
    provider: "OpenAI",
    name: "a wrong key",
    ...refusal(401, { error: { message: "Incorrect API key provided", code: "invalid_api_key" } }),
    expected: { failure: "unauthorized" },
  },
  {
    provider: "OpenAI",
    name: "an unknown model",
    ...refusal(404, { error: { message: "The model `gpt-9` does not exist", code: "model_not_found" } }),
    expected: { failure: "unknown_model" },
  },
  {
    provider: "OpenAI",
    name: "a policy violation",
    ...refusal(400, {
      error: {
        message: "Invalid prompt: flagged as potentially violating our usage policy.",
        code: "invalid_prompt",
      },
    }),
    expected: { failure: "refused" },
  },
  {
    provider: "OpenAI",
    name: "a server error",
    ...refusal(500, { error: { message: "The server had an error", type: "server_error" } }),
    expected: { failure: "failed" },
  },
  {
    provider: "OpenAI",
    name: "an error in the midst of the stream",
    body: [
      data(say("Hello"), { error: { message: "The server had an error", type: "server_error", code: null } }),
    ],
    expected: { failure: "failed" },
  },
  // Azure OpenAI
  {
    provider: "Azure",
    name: "the prompt's filter first, without choices",
    body: [
      data(
        {
          choices: [],
          created: 0,
          id: "",
          model: "",
          object: "",
          prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }],
        },
        ...HELLO,
        end(),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "Azure",
    name: "the asynchronous filter's chunks have no delta",
    body: [
      data(
        say("Hello"),
        {
          choices: [
            {
              index: 0,
              finish_reason: null,
              content_filter_offsets: { check_offset: 0 },
              content_filter_results: { hate: { filtered: false } },
            },
          ],
        },
        say(" there"),
        end(),
        { choices: [{ index: 0, finish_reason: null, content_filter_results: {} }] },
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "Azure",
    name: "delta null, choices null, choices missing",
    body: [
      data(
        chunk(null),
        { ...say(""), choices: null },
        { id: "x" },
        { choices: [null] },
        ...HELLO,
        end(),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "Azure",
    name: "the filter refuses the question",
    ...refusal(400, {
      error: {
        message:
          "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        code: "content_filter",
        status: 400,
        innererror: { code: "ResponsibleAIPolicyViolation" },
      },
    }),
    expected: { failure: "refused" },
  },
  {
    provider: "Azure",
    name: "no such deployment",
    ...refusal(404, {
      error: { code: "DeploymentNotFound", message: "The API deployment for this resource does not exist." },
    }),
    expected: { failure: "unknown_model" },
  },
  // Mistral
  {
    provider: "Mistral",
    name: "usage beside the end, no chunk of its own",
    body: [data(...HELLO, end("stop", { usage: USAGE }), DONE)],
    expected: hello(COUNTED),
  },
  {
    provider: "Mistral",
    name: "content as parts, thinking among them",
    body: [
      data(
        say([{ type: "thinking", thinking: [{ type: "text", text: "A greeting." }] }]),
        say([{ type: "text", text: "Hello" }]),
        say([{ type: "text", text: " the" }, "re"]),
        end(),
        DONE,
      ),
    ],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "Mistral",
    name: "the model's length",
    body: [data(...HELLO, end("model_length"), DONE)],
    expected: { ...hello(), finish: "length" },
  },
  {
    provider: "Mistral",
    name: "unknown fields in FastAPI's form",
    ...refusal(422, {
      detail: [{ type: "extra_forbidden", loc: ["body", "foo"], msg: "Extra inputs are not permitted" }],
    }),
    expected: { failure: "invalid" },
  },
  // Gemini
  {
    provider: "Gemini",
    name: "usage in each chunk, thinking only in the total",
    body: [
      data(
        { ...say("Hello"), usage: { prompt_tokens: 12, completion_tokens: 1, total_tokens: 33 } },
        {
          ...chunk({ content: " there" }, { finish_reason: "stop" }),
          usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 35 },
        },
        DONE,
      ),
    ],
    expected: hello({ inputTokens: 12, outputTokens: 23 }),
  },
  {
    provider: "Gemini",
    name: "tool calls without an index, ended with stop",
    body: [
      data(
        chunk({ tool_calls: [{ id: "a", function: { name: "one", arguments: "{}" } }] }),
        chunk({ tool_calls: [{ id: "b", function: { name: "two", arguments: "{}" } }] }),
        end("STOP"),
        DONE,
      ),
    ],
    expected: {
      text: "",
      finish: "tool_calls",
      calls: [
        { id: "a", name: "one", arguments: "{}" },
        { id: "b", name: "two", arguments: "{}" },
      ],
    },
  },
  {
    provider: "Gemini",
    name: "thought in the text",
    body: [data(say("<thought>A greeting.</thought>Hello there"), end(), DONE)],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "Gemini",
    name: "the answer's safety",
    body: [data(end("SAFETY"), DONE)],
    expected: { text: "", finish: "content_filter" },
  },
  {
    provider: "Gemini",
    name: "an error in a list, with Google's delay",
    ...refusal(429, [
      {
        error: {
          code: 429,
          message: "Resource has been exhausted.",
          status: "RESOURCE_EXHAUSTED",
          details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "20s" }],
        },
      },
    ]),
    expected: { failure: "rate_limited", retryAfterMs: 20_000 },
  },
  {
    provider: "Gemini",
    name: "the quota of a minute, with Google's delay",
    ...refusal(429, [
      {
        error: {
          code: 429,
          message: "You exceeded your current quota, please check your plan and billing details.",
          status: "RESOURCE_EXHAUSTED",
          details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "39s" }],
        },
      },
    ]),
    expected: { failure: "rate_limited", retryAfterMs: 39_000 },
  },
  {
    provider: "LiteLLM",
    name: "Gemini's quota of a minute, as text within text",
    ...refusal(429, {
      error: {
        message:
          '{\n "error": {"code": 429, "message": "You exceeded your current quota. Please retry in 39.4s."}}',
      },
    }),
    expected: { failure: "rate_limited", retryAfterMs: 39_400 },
  },
  {
    provider: "Gemini",
    name: "the quota of a day, without a delay",
    ...refusal(429, {
      error: {
        code: 429,
        message: "You exceeded your current quota, please check your plan and billing details.",
      },
    }),
    expected: { failure: "quota" },
  },
  {
    provider: "Gemini",
    name: "its own name for the limit",
    body: [data(...HELLO, end("FINISH_REASON_MAX_TOKENS"), DONE)],
    expected: { text: "Hello there", finish: "length" },
  },
  {
    provider: "Gemini",
    name: "a wrong key is a bad request",
    ...refusal(400, [
      {
        error: {
          code: 400,
          message: "API key not valid. Please pass a valid API key.",
          status: "INVALID_ARGUMENT",
        },
      },
    ]),
    expected: { failure: "unauthorized" },
  },
  // Ollama
  {
    provider: "Ollama",
    name: "thinking under reasoning",
    body: [data(chunk({ role: "assistant", content: "", reasoning: "A greeting." }), ...HELLO, end(), DONE)],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "Ollama",
    name: "a model that is not pulled",
    ...refusal(404, {
      error: { message: "model 'llama9' not found", type: "api_error", param: null, code: null },
    }),
    expected: { failure: "unknown_model" },
  },
  {
    provider: "Ollama",
    name: "an error as a string",
    ...refusal(500, { error: "llama runner process has terminated" }),
    expected: { failure: "failed" },
  },
  {
    provider: "Ollama",
    name: "thinking in the text, the tag in pieces",
    body: [
      data(
        say("<th"),
        say("ink>\nA gree"),
        say("ting.\n</thi"),
        say("nk>\n\nHello"),
        say(" there"),
        end(),
        DONE,
      ),
    ],
    expected: { ...hello(), thinking: "\nA greeting.\n" },
  },
  // vLLM
  {
    provider: "vLLM",
    name: "reasoning_content, and the end beside the last word",
    body: [
      data(
        chunk({ reasoning_content: "A greeting." }),
        say("Hello"),
        chunk({ content: " there" }, { finish_reason: "stop", stop_reason: null }),
        usageChunk(USAGE),
        DONE,
      ),
    ],
    expected: { ...hello(COUNTED), thinking: "A greeting." },
  },
  {
    provider: "vLLM",
    name: "the same thought under two names",
    body: [
      data(chunk({ reasoning_content: "A greeting.", reasoning: "A greeting." }), ...HELLO, end(), DONE),
    ],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "vLLM",
    name: "the template opens the thinking",
    startsThinking: true,
    body: [data(say("A greeting."), say("</think>\n\n"), ...HELLO, end(), DONE)],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "vLLM",
    name: "an error object without an envelope",
    ...refusal(400, {
      object: "error",
      message: "This model's maximum context length is 4096 tokens.",
      type: "BadRequestError",
      code: 400,
    }),
    expected: { failure: "too_long" },
  },
  {
    provider: "vLLM",
    name: "an error object in the stream",
    body: [
      data(
        say("Hello"),
        { object: "error", message: "EngineCore died", type: "InternalServerError", code: 500 },
        DONE,
      ),
    ],
    expected: { failure: "failed" },
  },
  // OpenRouter
  {
    provider: "OpenRouter",
    name: "comments while it waits",
    body: [": OPENROUTER PROCESSING\n\n", ": OPENROUTER PROCESSING\n\n", data(...HELLO, end(), DONE)],
    expected: hello(),
  },
  {
    provider: "OpenRouter",
    name: "an error in the midst, with an ending",
    body: [
      data(say("Hello"), {
        ...chunk({ content: "" }, { finish_reason: "error" }),
        error: { code: 502, message: "Provider disconnected" },
      }),
    ],
    expected: { failure: "failed" },
  },
  {
    provider: "OpenRouter",
    name: "finished with an error and nothing else said",
    body: [data(say("Hello"), chunk({}, { finish_reason: "error", native_finish_reason: "error" }), DONE)],
    expected: { failure: "failed" },
  },
  {
    provider: "OpenRouter",
    name: "reasoning details",
    body: [
      data(
        chunk({ content: "", reasoning_details: [{ type: "reasoning.text", text: "A greeting." }] }),
        ...HELLO,
        end(),
        DONE,
      ),
    ],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "OpenRouter",
    name: "out of credit",
    ...refusal(402, { error: { code: 402, message: "Insufficient credits" } }),
    expected: { failure: "quota" },
  },
  {
    provider: "OpenRouter",
    name: "moderation",
    ...refusal(403, {
      error: {
        code: 403,
        message: "Your chosen model requires moderation and your input was flagged",
        metadata: { reasons: ["violence"] },
      },
    }),
    expected: { failure: "refused" },
  },
  {
    provider: "OpenRouter",
    name: "a timeout told in the stream",
    body: [": OPENROUTER PROCESSING\n\n", data({ error: { code: 408, message: "Upstream idle timeout" } })],
    expected: { failure: "failed" },
  },
  // DeepSeek
  {
    provider: "DeepSeek",
    name: "keep-alives and the cache's tokens",
    body: [
      ": keep-alive\n\n",
      "\n\n",
      data(
        chunk({ content: null, reasoning_content: "A greeting." }),
        ...HELLO,
        end("stop", { usage: { ...USAGE, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 8 } }),
        DONE,
      ),
    ],
    expected: { ...hello({ ...COUNTED, cachedTokens: 4 }), thinking: "A greeting." },
  },
  {
    provider: "DeepSeek",
    name: "the system has not enough",
    body: [data(say("Hello"), end("insufficient_system_resource"), DONE)],
    expected: { failure: "failed" },
  },
  {
    provider: "DeepSeek",
    name: "busy",
    ...refusal(503, { error: { message: "Service overloaded" } }, { "retry-after": "10" }),
    expected: { failure: "overloaded", retryAfterMs: 10_000 },
  },
  // Groq
  {
    provider: "Groq",
    name: "usage in a field of its own",
    body: [
      data(
        chunk({ role: "assistant" }, {}, { x_groq: { id: "req_1" } }),
        ...HELLO,
        end("stop", { x_groq: { id: "req_1", usage: USAGE } }),
        DONE,
      ),
    ],
    expected: hello(COUNTED),
  },
  {
    provider: "Groq",
    name: "too large for the tokens of a minute",
    ...refusal(413, {
      error: {
        message: "Request too large for model: Limit 6000, Requested 7000",
        type: "tokens",
        code: "rate_limit_exceeded",
      },
    }),
    expected: { failure: "too_long" },
  },
  {
    provider: "Groq",
    name: "an error in a field of its own",
    body: [data(say("Hello"), { ...end(null), x_groq: { error: "over capacity" } })],
    expected: { failure: "failed" },
  },
  // LiteLLM
  {
    provider: "LiteLLM",
    name: "finish_reason in several chunks, usage after them",
    body: [data(...HELLO, end(), end(), usageChunk(USAGE), DONE)],
    expected: hello(COUNTED),
  },
  {
    provider: "LiteLLM",
    name: "only a choice of index 1",
    body: [
      data(
        chunk({ content: "Hello" }, { index: 1 }),
        chunk({ content: " there" }, { index: 1 }),
        chunk({}, { index: 1, finish_reason: "stop" }),
        DONE,
      ),
    ],
    expected: hello(),
  },
  {
    provider: "LiteLLM",
    name: "no finish_reason, but [DONE]",
    body: [data(...HELLO, DONE)],
    expected: hello(),
  },
  {
    provider: "LiteLLM",
    name: "one JSON body although a stream was asked for",
    headers: { "content-type": "application/json" },
    body: [
      JSON.stringify({
        object: "chat.completion",
        choices: [
          { index: 0, message: { role: "assistant", content: "Hello there" }, finish_reason: "stop" },
        ],
        usage: USAGE,
      }),
    ],
    expected: hello(COUNTED),
  },
  {
    provider: "LiteLLM",
    name: "a JSON body without finish_reason, indented, in pieces",
    body: ['\n{\n  "choices": [\n    {"message": {"con', 'tent": "Hello there"}}\n  ]\n}\n'],
    expected: hello(),
  },
  {
    provider: "LiteLLM",
    name: "a JSON error with status 200",
    body: [JSON.stringify({ error: { message: "upstream failed", code: 500 } })],
    expected: { failure: "failed" },
  },
  // llama.cpp
  {
    provider: "llama.cpp",
    name: "timings beside the end",
    body: [data(...HELLO, end("stop", { timings: { predicted_ms: 12.5 }, usage: USAGE }), DONE)],
    expected: hello(COUNTED),
  },
  {
    provider: "llama.cpp",
    name: "an error as a field of its own",
    body: [data(say("Hello")), 'error: {"code":500,"message":"slot unavailable","type":"server_error"}\n\n'],
    expected: { failure: "failed" },
  },
  {
    provider: "llama.cpp",
    name: "the model is being loaded",
    ...refusal(503, { error: { code: 503, message: "Loading model", type: "unavailable_error" } }),
    expected: { failure: "overloaded" },
  },
  {
    provider: "llama.cpp",
    name: "more tokens than the context",
    ...refusal(400, {
      error: {
        code: 400,
        message: "the request exceeds the available context size, try increasing it",
        type: "exceed_context_size_error",
        n_ctx: 4096,
      },
    }),
    expected: { failure: "too_long" },
  },
  {
    provider: "llama.cpp",
    name: "more tokens than the context, as a failure of the server",
    ...refusal(500, {
      error: { code: 500, message: "Context size has been exceeded.", type: "server_error" },
    }),
    expected: { failure: "too_long" },
  },
  {
    provider: "llama.cpp",
    name: "Magistral's own tags around its thinking, in pieces",
    body: [
      data(say("[TH"), say("INK]A greet"), say("ing.[/THI"), say("NK]Hello"), say(" there"), end(), DONE),
    ],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "OpenRouter",
    name: "Kimi's own tags around its thinking",
    body: [data(say("◁think▷A greeting.◁/think▷"), ...HELLO, end(), DONE)],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "vLLM",
    name: "OpenThinker's own tags around its thinking",
    body: [
      data(say("<|begin_of_thought|>A greeting.<|end_of_"), say("thought|>\n\nHello there"), end(), DONE),
    ],
    expected: { ...hello(), thinking: "A greeting." },
  },
  {
    provider: "Ollama",
    name: "thinking in letters that are longer in lower case",
    body: [data(say("<think>İİİİ</think>Hello"), say(" there"), end(), DONE)],
    expected: { ...hello(), thinking: "İİİİ" },
  },
  {
    provider: "a proxy",
    name: "no finish_reason, and [DONE] as JSON",
    body: [data(...HELLO, '"[DONE]"')],
    expected: hello(),
  },
  {
    provider: "a proxy",
    name: "content as a number",
    body: [data(say(4), say(2), end("stop"), DONE)],
    expected: { text: "42", finish: "stop" },
  },
  {
    provider: "a proxy",
    name: "a filter's word with a hyphen",
    body: [data(say("Hello"), end("content-filter"), DONE)],
    expected: { text: "Hello", finish: "content_filter" },
  },
  // Anthropic's compatible endpoint
  {
    provider: "Anthropic",
    name: "no credit is a bad request",
    ...refusal(400, {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "Your credit balance is too low to access the Anthropic API.",
      },
    }),
    expected: { failure: "quota" },
  },
  {
    provider: "Anthropic",
    name: "its own words for the end",
    body: [data(...HELLO, end("end_turn"), DONE)],
    expected: hello(),
  },
  {
    provider: "Anthropic",
    name: "overloaded",
    ...refusal(529, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
    expected: { failure: "overloaded" },
  },
  // Whoever stands between
  {
    provider: "a proxy",
    name: "CRLF, no space after the colon, no blank line at the end",
    body: [
      `data:${JSON.stringify(say("Hello"))}\r\n\r\ndata:${JSON.stringify(say(" there"))}\r\n\r\ndata:${JSON.stringify(end())}\r\n\r\ndata:[DONE]`,
    ],
    expected: hello(),
  },
  {
    provider: "a proxy",
    name: "no blank lines between events",
    body: [
      `data: ${JSON.stringify(say("Hello"))}\ndata: ${JSON.stringify(say(" there"))}\ndata: ${JSON.stringify(end())}\n\n`,
    ],
    expected: hello(),
  },
  {
    provider: "a proxy",
    name: "a byte order mark, event names and ids",
    body: [`\ufeffevent: message\nid: 1\n${data(...HELLO)}retry: 10\nid: 2\n${data(end(), DONE)}`],
    expected: hello(),
  },
  {
    provider: "a proxy",
    name: "a line that is no JSON among the others",
    body: [data(say("Hello"), "{oops", say(" there"), end(), DONE)],
    expected: hello(),
  },
  {
    provider: "a proxy",
    name: "lines of JSON without server-sent events",
    body: [[...HELLO, end()].map((each) => `${JSON.stringify(each)}\n`).join("")],
    expected: hello(),
  },
  {
    provider: "a proxy",
    name: "a page of HTML with status 200",
    body: ["<!doctype html><title>Sign in</title>"],
    expected: { failure: "malformed" },
  },
  { provider: "a proxy", name: "nothing at all", body: [""], expected: { failure: "malformed" } },
  { provider: "a proxy", name: "only [DONE]", body: [data(DONE)], expected: { failure: "malformed" } },
  {
    provider: "a proxy",
    name: "a bad gateway in HTML",
    ...refusal(502, "<html><h1>502 Bad Gateway</h1></html>"),
    expected: { failure: "failed" },
  },
  {
    provider: "a proxy",
    name: "a redirect",
    ...refusal(302, "", { location: "https://elsewhere.example/v1" }),
    expected: { failure: "failed" },
  },
  {
    provider: "a proxy",
    name: "the stream ends in the midst",
    body: [data(say("Hello"))],
    expected: { failure: "cut" },
  },
  {
    provider: "a proxy",
    name: "the connection breaks in the midst",
    body: [data(say("Hello"))],
    breaks: true,
    expected: { failure: "cut" },
  },
  {
    provider: "a proxy",
    name: "the connection breaks after the end was told",
    body: [data(...HELLO, end())],
    breaks: true,
    expected: hello(),
  },
  // Numbers that can't be true
  ...(
    [
      ["as strings", { prompt_tokens: "12", completion_tokens: "3" }, {}],
      ["null", { prompt_tokens: null, completion_tokens: null }, {}],
      ["negative", { prompt_tokens: -12, completion_tokens: -3 }, {}],
      ["fractions", { prompt_tokens: 12.5, completion_tokens: 0.3 }, {}],
      ["without bounds", { prompt_tokens: 1e300, completion_tokens: 2 ** 60 }, {}],
      ["zero", { prompt_tokens: 0, completion_tokens: 0 }, { outputTokens: 0 }],
      ["under other names", { input_tokens: 12, output_tokens: 3 }, COUNTED],
      ["only of the output", { completion_tokens: 3 }, { outputTokens: 3 }],
      ["no object", 15, {}],
    ] as const
  ).map(([name, usage, expected]): ProviderStream => ({
    provider: "any",
    name: `usage: ${name}`,
    body: [data(...HELLO, end(), usageChunk(usage), DONE)],
    expected: hello(expected),
  })),
  {
    provider: "any",
    name: "usage only in the first chunk",
    body: [data({ ...say("Hello"), usage: USAGE }, say(" there"), end(), DONE)],
    expected: hello(COUNTED),
  },
  // Text that can't be stored
  {
    provider: "any",
    name: "NUL, ESC and carriage returns",
    body: [data(say("Hel\u0000lo\u001b[31m"), say("\r"), say("\nthere\r"), end(), DONE)],
    expected: { text: "Hello[31m\nthere\n", finish: "stop" },
  },
  {
    provider: "any",
    name: "a tag in the midst of a text is text",
    body: [data(say("Write <think> before it, </think> after it."), end(), DONE)],
    expected: { text: "Write <think> before it, </think> after it.", finish: "stop" },
  },
  {
    provider: "any",
    name: "thinking that is never closed",
    body: [data(say("<think>A greeting"), end("length"), DONE)],
    expected: { text: "", thinking: "A greeting", finish: "length" },
  },
  {
    provider: "any",
    name: "what might have become a tag",
    body: [data(say("  <"), say("thin"), say("g"), end(), DONE)],
    expected: { text: "  <thing", finish: "stop" },
  },
];

type Answered = ProviderStream & { readonly expected: ExpectedAnswer };
type Failed = ProviderStream & { readonly expected: ExpectedFailure };
export const ANSWERED_STREAMS = PROVIDER_STREAMS.filter(
  (stream): stream is Answered => !("failure" in stream.expected),
);
export const FAILED_STREAMS = PROVIDER_STREAMS.filter(
  (stream): stream is Failed => "failure" in stream.expected,
);

function splitBytes(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}
