import { z } from "zod";
import { PRESETS, type PresetName, presetOf, seesByName, windowOf } from "./presets.ts";

export const OUTPUT_TOKENS_DEFAULT = 4_000;
export const WINDOW_TOKENS_MAX = 10_000_000;
/** The longest silence before the first byte, and after it. Milliseconds. */
export const FIRST_MS_DEFAULT = { fast: 30_000, slow: 60_000 } as const;
export const SILENCE_MS_DEFAULT = 60_000;
const MS_MAX = 3_600_000;
export const LABEL_CHARS_MAX = 60;

const Ms = z.int().min(1).max(MS_MAX);
const presetNames = Object.keys(PRESETS) as [PresetName, ...PresetName[]];

export const MODEL_KEY_NAME = /^MODEL_API_KEY(_[A-Z0-9]+)*$/;

/** One entry of the variable MODELS. Only the id is needed; a preset or the address says the rest. */
export const ModelEntry = z.strictObject({
  /** How chats and settings name it. */
  id: z.string().min(1).max(100),
  /** How people are shown it; the id when absent. */
  label: z.string().trim().min(1).max(LABEL_CHARS_MAX).optional(),
  /** How the provider names it; the id when absent. */
  model: z.string().min(1).max(200).optional(),
  preset: z.enum(presetNames).optional(),
  baseUrl: z.url().optional(),
  /** The variable that holds the key: MODEL_API_KEY, or one whose name begins so. */
  keyName: z.string().regex(MODEL_KEY_NAME).optional(),
  limitField: z.enum(["max_completion_tokens", "max_tokens"]).optional(),
  asksUsage: z.boolean().optional(),
  windowTokens: z.int().min(512).max(WINDOW_TOKENS_MAX).optional(),
  outputTokensMax: z.int().min(16).max(1_000_000).optional(),
  firstMsMax: Ms.optional(),
  silenceMsMax: Ms.optional(),
  /** Calls of one instance at the same time; further ones wait. */
  concurrency: z.int().min(1).max(1_000).optional(),
  /** Its template has no role for instructions: they then stand before the first question. */
  systemRole: z.boolean().optional(),
  /** Its template opens the block of thinking itself. */
  startsThinking: z.boolean().optional(),
  /** It reads images; as its name tells when absent. */
  images: z.boolean().optional(),
});
export type ModelEntry = z.infer<typeof ModelEntry>;

/** Everything that is known of a model. */
export interface ModelSpec {
  readonly id: string;
  readonly label: string | undefined;
  readonly model: string;
  readonly preset: PresetName;
  readonly baseUrl: string;
  readonly keyName: string;
  readonly limitField: "max_completion_tokens" | "max_tokens";
  readonly asksUsage: boolean;
  readonly windowTokens: number;
  readonly outputTokensMax: number;
  readonly firstMsMax: { readonly fast: number; readonly slow: number };
  readonly silenceMsMax: number;
  readonly concurrency: number | undefined;
  readonly systemRole: boolean;
  readonly startsThinking: boolean;
  readonly images: boolean;
}

export interface ModelCatalog {
  /** Of a model that no entry names, what its name and the deployment's provider say. */
  of(id: string): ModelSpec;
  /** The ids that entries name, in their order. */
  readonly ids: readonly string[];
}

/** `defaults`: the deployment's provider, for entries and names that have none of their own. Pure. */
export function createCatalog(
  entries: readonly ModelEntry[],
  defaults: { readonly baseUrl: string; readonly preset?: PresetName | undefined },
): ModelCatalog {
  const specs = new Map(entries.map((entry) => [entry.id, specOf(entry, defaults)]));
  return {
    of: (id) => specs.get(id) ?? specOf({ id }, defaults),
    ids: [...specs.keys()],
  };
}

function specOf(
  entry: ModelEntry,
  defaults: { readonly baseUrl: string; readonly preset?: PresetName | undefined },
): ModelSpec {
  const ofPreset = entry.preset === undefined ? undefined : PRESETS[entry.preset];
  const baseUrl =
    entry.baseUrl ?? (ofPreset !== undefined && "baseUrl" in ofPreset ? ofPreset.baseUrl : defaults.baseUrl);
  const name =
    entry.preset ?? (entry.baseUrl === undefined ? defaults.preset : undefined) ?? presetOf(baseUrl);
  const preset = PRESETS[name];
  const model = entry.model ?? entry.id;
  const windowTokens = entry.windowTokens ?? windowOf(model);
  const loads = "firstMsMax" in preset ? preset.firstMsMax : 0;
  return {
    id: entry.id,
    label: entry.label,
    model,
    preset: name,
    baseUrl,
    keyName: entry.keyName ?? "MODEL_API_KEY",
    limitField: entry.limitField ?? preset.limitField,
    asksUsage: entry.asksUsage ?? preset.asksUsage,
    windowTokens,
    // Half of a small window has to be left for the question.
    outputTokensMax: Math.min(entry.outputTokensMax ?? OUTPUT_TOKENS_DEFAULT, Math.floor(windowTokens / 2)),
    firstMsMax: {
      fast: entry.firstMsMax ?? Math.max(FIRST_MS_DEFAULT.fast, loads),
      slow: entry.firstMsMax ?? Math.max(FIRST_MS_DEFAULT.slow, loads),
    },
    silenceMsMax: entry.silenceMsMax ?? SILENCE_MS_DEFAULT,
    concurrency: entry.concurrency,
    systemRole: entry.systemRole ?? true,
    startsThinking: entry.startsThinking ?? false,
    images: entry.images ?? seesByName(model),
  };
}
