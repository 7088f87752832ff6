import type { LimitField } from "./call-model.ts";

/** How a provider is spoken to, where its models do not say otherwise. */
export interface Preset {
  /** Undefined where everybody has an address of their own. */
  readonly baseUrl?: string;
  readonly limitField: LimitField;
  readonly asksUsage: boolean;
  /**
   * Where the key goes: a bearer, Azure's own header, or Google's token of the account that the function runs
   * as.
   */
  readonly key: "bearer" | "api-key" | "google";
  /** A model that may have to be loaded first takes longer to its first byte. */
  readonly firstMsMax?: number;
}

const LOADS_MS = 180_000;
/** Behind an address that nobody knows may stand a model at home. Comments are life, as everywhere. */
export const UNKNOWN_FIRST_MS = 90_000;

/** By the providers' documentation, November 2026. What is not here is spoken to as OpenAI is. */
export const PRESETS = {
  openai: {
    baseUrl: "https://api.openai.com/v1",
    limitField: "max_completion_tokens",
    asksUsage: true,
    key: "bearer",
  },
  azure: { limitField: "max_completion_tokens", asksUsage: true, key: "api-key" },
  vertex: { limitField: "max_tokens", asksUsage: true, key: "google" },
  gemini: {
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    limitField: "max_tokens",
    asksUsage: true,
    key: "bearer",
  },
  anthropic: {
    baseUrl: "https://api.anthropic.com/v1",
    limitField: "max_tokens",
    asksUsage: true,
    key: "bearer",
  },
  // Mistral refuses fields that it does not know, and tells usage unasked.
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    limitField: "max_tokens",
    asksUsage: false,
    key: "bearer",
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    limitField: "max_completion_tokens",
    asksUsage: true,
    key: "bearer",
  },
  openrouter: {
    baseUrl: "https://openrouter.ai/api/v1",
    limitField: "max_tokens",
    asksUsage: true,
    key: "bearer",
  },
  deepseek: {
    baseUrl: "https://api.deepseek.com/v1",
    limitField: "max_tokens",
    asksUsage: true,
    key: "bearer",
  },
  vllm: { limitField: "max_tokens", asksUsage: true, key: "bearer", firstMsMax: LOADS_MS },
  ollama: {
    baseUrl: "http://127.0.0.1:11434/v1",
    limitField: "max_tokens",
    asksUsage: true,
    key: "bearer",
    firstMsMax: LOADS_MS,
  },
  "llama.cpp": {
    baseUrl: "http://127.0.0.1:8080/v1",
    limitField: "max_tokens",
    asksUsage: true,
    key: "bearer",
    firstMsMax: LOADS_MS,
  },
  other: {
    limitField: "max_completion_tokens",
    asksUsage: true,
    key: "bearer",
    firstMsMax: UNKNOWN_FIRST_MS,
  },
} as const satisfies Record<string, Preset>;
export type PresetName = keyof typeof PRESETS;

const HOSTS: readonly (readonly [RegExp, PresetName])[] = [
  [/(^|\.)api\.openai\.com$/, "openai"],
  [/\.openai\.azure\.com$|\.cognitiveservices\.azure\.com$|\.services\.ai\.azure\.com$/, "azure"],
  [/aiplatform\.googleapis\.com$/, "vertex"],
  [/^generativelanguage\.googleapis\.com$/, "gemini"],
  [/(^|\.)anthropic\.com$/, "anthropic"],
  [/(^|\.)mistral\.ai$/, "mistral"],
  [/(^|\.)groq\.com$/, "groq"],
  [/(^|\.)openrouter\.ai$/, "openrouter"],
  [/(^|\.)deepseek\.com$/, "deepseek"],
];

/**
 * The preset of an address, for whoever names only that. Ollama and llama.cpp are known by their ports. Pure.
 */
export function presetOf(baseUrl: string): PresetName {
  const { hostname, port } = new URL(baseUrl);
  const known = HOSTS.find(([host]) => host.test(hostname));
  if (known !== undefined) return known[1];
  return port === "11434" ? "ollama" : port === "8080" ? "llama.cpp" : "other";
}

/** Windows that are public knowledge, by how models are named; the first that fits counts. In tokens. */
const WINDOWS: readonly (readonly [RegExp, number])[] = [
  [/gemini-(1\.5|2|3)/i, 1_000_000],
  [/gpt-4\.1/i, 1_000_000],
  [/gpt-5/i, 400_000],
  [/claude|^o[134](-|$)|\/o[134](-|$)/i, 200_000],
  [
    /gpt-4o|gpt-4-turbo|gpt-oss|mistral-(large|medium|small)|magistral|ministral|llama-?3\.[123]|qwen-?(2\.5|3)|deepseek/i,
    128_000,
  ],
  [/gpt-3\.5/i, 16_000],
  [/gpt-4|llama-?3|gemma/i, 8_192],
  [/llama-?2|phi|tinyllama/i, 4_096],
];

/** Whose models are known to read images. */
const SEEING =
  /gpt-4o|gpt-4\.1|gpt-5|gemini-(1\.5|2|3)|claude-(3|opus|sonnet|haiku)|pixtral|llama-?4|gemma-?3|llava|[-/.]vl\b|-vision/i;

/** Whether a model reads images, as far as its name tells. Pure. */
export const seesByName = (model: string): boolean => SEEING.test(model);

/**
 * The window of a model of which nothing is known. Most models that people run at home have at least this
 * one.
 */
export const WINDOW_TOKENS_DEFAULT = 16_384;

export const windowOf = (model: string): number =>
  WINDOWS.find(([pattern]) => pattern.test(model))?.[1] ?? WINDOW_TOKENS_DEFAULT;
