/**
 * How real providers answer otherwise than OpenAI's reference says, by their documentation and by what their
 * users report. While one is set, every call that it concerns is answered so.
 */
export interface Quirk {
  /** What the provider does, for people. */
  readonly title: string;
  /** Only calls that hold this parameter, or a message of this role; absent: all. */
  readonly concerns?: string;
  /** Sent in place of an answer. */
  readonly reply?: QuirkReply;
  /** One JSON body, although a stream was asked for. */
  readonly whole?: true;
  /** What comes before the answer's words. */
  readonly before?: readonly Piece[];
  /** The words of the answer, as a chunk; OpenAI's form when absent. */
  readonly say?: (words: string) => object;
  /** So many tokens of the answer are said; absent: all. */
  readonly tokensMax?: number;
  /** What comes after the words; OpenAI's end when absent. */
  readonly after?: readonly Piece[];
  /** At the end of the stream the connection stays open and silent, or breaks; absent: it ends. */
  readonly end?: "hang" | "drop";
  /** Line ends are two characters, and no space follows a colon. */
  readonly crlf?: true;
  /** The bytes come in parts of this size, whatever they cut. */
  readonly partBytes?: number;
}

export interface QuirkReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A string is sent as it stands, an object as the data of an event. A function is given the usage. */
export type Piece = string | object | ((usage: object) => object);

const chunk = (delta: unknown, choice: object = {}): object => ({
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: null, ...choice }],
});
export const sayContent = (content: unknown): object => chunk({ content });
const finish = (reason: string): object => chunk({}, { finish_reason: reason });
const toldUsage: Piece = (usage) => ({ object: "chat.completion.chunk", choices: [], usage });
const DONE = "data: [DONE]\n\n";

/** As OpenAI ends, usage and all. */
export const USUAL_END: readonly Piece[] = [finish("stop"), toldUsage, DONE];
const endsWith = (reason: string): readonly Piece[] => [finish(reason), toldUsage, DONE];

const refuse = (
  status: number,
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
): Pick<Quirk, "reply"> => ({
  reply: {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ error }),
  },
});
const html = (status: number, title: string): Pick<Quirk, "reply"> => ({
  reply: {
    status,
    headers: { "content-type": "text/html" },
    body: `<!doctype html><title>${title}</title><h1>${title}</h1>`,
  },
});

export const QUIRK_THOUGHT = "A moment of thought.";
/** Where a quirk breaks an answer off. */
export const SOME_TOKENS = 5;

const THINKING = {
  "reasoning-content": {
    title: "Thinks in reasoning_content (DeepSeek, vLLM)",
    before: [chunk({ content: null, reasoning_content: QUIRK_THOUGHT })],
  },
  reasoning: {
    title: "Thinks in reasoning (Ollama, OpenRouter)",
    before: [chunk({ content: "", reasoning: QUIRK_THOUGHT })],
  },
  "think-tags": {
    title: "Thinks in <think> tags, cut between chunks",
    before: [sayContent("<th"), sayContent(`ink>${QUIRK_THOUGHT}</thi`), sayContent("nk>\n\n")],
  },
  "only-thinking": {
    title: "Thinks up to its limit, and says nothing",
    before: [chunk({ reasoning_content: QUIRK_THOUGHT })],
    tokensMax: 0,
    after: endsWith("length"),
  },
} satisfies Record<string, Quirk>;

const ENDS = {
  "no-usage": { title: "Tells no usage", after: [finish("stop"), DONE] },
  "usage-last": { title: "Tells usage in a last chunk without choices", after: USUAL_END },
  "impossible-usage": {
    title: "Tells usage that can't be true",
    after: [finish("stop"), { choices: [], usage: { prompt_tokens: "-12", completion_tokens: 1e300 } }, DONE],
  },
  "no-finish-reason": { title: "Ends with [DONE] alone", after: [DONE] },
  "no-done": { title: "Ends without [DONE]", after: [finish("stop")] },
  length: { title: "Stops at its limit (length)", tokensMax: SOME_TOKENS, after: endsWith("length") },
  "content-filter": {
    title: "Is stopped by a filter (content_filter)",
    tokensMax: SOME_TOKENS,
    after: endsWith("content_filter"),
  },
  refusal: { title: "Refuses in delta.refusal", say: (words: string) => chunk({ refusal: words }) },
  "tool-calls": {
    title: "Calls a tool that nobody offered",
    tokensMax: 0,
    after: [
      chunk({
        tool_calls: [{ index: 0, id: "call_1", function: { name: "search", arguments: '{"query":"x"}' } }],
      }),
      ...endsWith("tool_calls"),
    ],
  },
  "says-nothing": { title: "Ends without a word", tokensMax: 0, after: USUAL_END },
} satisfies Record<string, Quirk>;

const FORMS = {
  comments: {
    title: "Sends comments and empty lines to stay alive",
    before: [": PROCESSING\n\n", "\n\n", ": keep-alive\n\n"],
  },
  crlf: { title: "Ends lines with CRLF, and puts no space after a colon", crlf: true },
  "split-characters": {
    title: "Cuts characters between packets",
    before: [sayContent("世界 😀 ")],
    // Ends within a character.
    partBytes: 46,
  },
  "split-emoji": {
    title: "Cuts an emoji between chunks",
    before: [sayContent("\ud83d"), sayContent("\ude00 ")],
  },
  "control-characters": { title: "Says NUL and ESC", before: [sayContent("\u0000\u001b")] },
  "byte-order-mark": { title: "Begins with a byte order mark and event names", before: ["\ufeffevent: x\n"] },
  "chunks-without-delta": {
    title: "Sends chunks without delta or choices (Azure)",
    before: [
      chunk(null),
      { choices: null },
      { choices: [] },
      { choices: [{ index: 0, content_filter_results: {} }] },
    ],
  },
  "content-parts": {
    title: "Says content as a list of parts (Mistral)",
    say: (words: string) => sayContent([{ type: "text", text: words }]),
  },
  "two-choices": {
    title: "Gives a second choice beside the first",
    before: [chunk({ role: "assistant" }), chunk({ content: "Another answer." }, { index: 1 })],
  },
  "broken-line": { title: "Sends a line that is no JSON", before: ["data: {oops\n\n"] },
  "one-body": { title: "Sends one JSON body, not a stream", whole: true },
} satisfies Record<string, Quirk>;

const PARTICULAR = {
  "wrong-limit-field": {
    title: "Refuses max_completion_tokens (400)",
    concerns: "max_completion_tokens",
    ...refuse(400, {
      message: "Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens' instead.",
      code: "unsupported_parameter",
    }),
  },
  "no-stream-options": {
    title: "Refuses stream_options (422)",
    concerns: "stream_options",
    ...refuse(422, { message: "stream_options: Extra inputs are not permitted" }),
  },
  "no-system-role": {
    title: "Has no system role (400)",
    concerns: "system",
    ...refuse(400, { message: "System role not supported" }),
  },
  "unknown-field": {
    title: "Refuses a field it does not know (422)",
    ...refuse(422, { message: "messages.0.foo: Extra inputs are not permitted" }),
  },
  "too-long": {
    title: "Finds the question too long (400)",
    ...refuse(400, {
      message: "This model's maximum context length is 4096 tokens.",
      code: "context_length_exceeded",
    }),
  },
  flagged: {
    title: "Refuses the question by its policy (400)",
    ...refuse(400, {
      message: "The prompt triggered the content management policy.",
      code: "content_filter",
    }),
  },
} satisfies Record<string, Quirk>;

const CLOSED = {
  "wrong-key": {
    title: "Does not take the key (401)",
    ...refuse(401, { message: "Incorrect API key provided", code: "invalid_api_key" }),
  },
  forbidden: { title: "Lets the key do nothing (403)", ...refuse(403, { message: "Permission denied" }) },
  "unknown-model": {
    title: "Does not have the model (404)",
    ...refuse(404, { message: "The model does not exist", code: "model_not_found" }),
  },
  "no-credit": { title: "Wants to be paid first (402)", ...refuse(402, { message: "Insufficient credits" }) },
  "no-quota": {
    title: "Has no quota left (429)",
    ...refuse(429, { message: "You exceeded your current quota", code: "insufficient_quota" }),
  },
} satisfies Record<string, Quirk>;

const TROUBLED = {
  "rate-limited": {
    title: "Asks for 20 s of patience (429)",
    ...refuse(429, { message: "Rate limit reached", code: "rate_limit_exceeded" }, { "retry-after": "20" }),
  },
  loading: {
    title: "Is loading the model (503)",
    ...refuse(503, { message: "Loading model", type: "unavailable_error" }),
  },
  overloaded: {
    title: "Is overloaded (529)",
    ...refuse(529, { type: "overloaded_error", message: "Overloaded" }),
  },
  "server-error": { title: "Fails (500)", ...refuse(500, "llama runner process has terminated") },
  "bad-gateway": { title: "Hides behind a proxy's HTML (502)", ...html(502, "502 Bad Gateway") },
  "error-in-200": {
    title: "Sends an error with status 200",
    ...refuse(200, { message: "Upstream failed", code: 500 }),
  },
  "html-in-200": { title: "Sends a proxy's page with status 200", ...html(200, "Sign in") },
  redirect: { title: "Points elsewhere (302)", reply: { status: 302, headers: { location: "/" }, body: "" } },
  "empty-body": { title: "Sends nothing with status 200", reply: { status: 200, body: "" } },
  silent: { title: "Takes the question and stays silent", tokensMax: 0, after: [], end: "hang" },
  "goes-silent": {
    title: "Falls silent in the middle",
    tokensMax: SOME_TOKENS,
    after: [],
    end: "hang",
  },
  cut: { title: "Breaks the connection in the middle", tokensMax: SOME_TOKENS, after: [], end: "drop" },
  unfinished: { title: "Ends the stream in the middle", tokensMax: SOME_TOKENS, after: [] },
  "error-midway": {
    title: "Tells an error in the middle",
    tokensMax: SOME_TOKENS,
    after: [{ error: { message: "Provider disconnected", code: 502 } }],
  },
} satisfies Record<string, Quirk>;

export const QUIRKS = { ...THINKING, ...ENDS, ...FORMS, ...PARTICULAR, ...CLOSED, ...TROUBLED };
export type QuirkName = keyof typeof QUIRKS;
export const QUIRK_NAMES = Object.keys(QUIRKS) as QuirkName[];
