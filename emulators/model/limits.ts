/** The models there are: how many tokens they take, and how fast they are until told otherwise. */
export const MODELS = {
  "emulated-large": { contextTokens: 128_000, firstTokenMs: 600, tokensPerSecond: 40 },
  "emulated-small": { contextTokens: 16_000, firstTokenMs: 150, tokensPerSecond: 120 },
} as const;
export type ModelName = keyof typeof MODELS;

export const isModelName = (name: string): name is ModelName => Object.hasOwn(MODELS, name);

/** An answer's tokens at most, as of OpenAI's gpt-4o. */
export const OUTPUT_TOKENS_MAX = 16_384;

/** Stop sequences of a call (OpenAI's reference, `stop`). */
export const STOPS_MAX = 4;

/** Messages of a call (OpenAI's reference, `messages`). */
export const MESSAGES_MAX = 2048;

/** The largest context, written in characters that take three bytes each, and some room for JSON. */
export const BODY_BYTES_MAX = 2 * 1024 * 1024;

/**
 * What a message costs beside its text, and an answer before it begins (OpenAI's cookbook on counting
 * tokens).
 */
export const TOKENS_PER_MESSAGE = 3;
export const TOKENS_PER_ANSWER = 3;

/** Calls that are remembered one by one. */
export const CALLS_KEPT_MAX = 100;

/** As much of a question as is remembered with its call. */
export const QUESTION_CHARS_MAX = 200;

/** When a caller that was refused for its rate may come again. */
export const RETRY_AFTER_SECONDS = 1;

/** The pace of an answer that drips. */
export const DRIP_BYTE_MS = 1000;

export const FIRST_TOKEN_MS_MAX = 600_000;
export const TOKENS_PER_SECOND_MAX = 1_000_000;
