import { MODELS, type ModelName } from "./limits.ts";
import type { QuirkName } from "./quirks.ts";

/**
 * How every call fails while this is set: a refusal, a failure, silence, a byte a second, or a broken
 * connection.
 */
export const MODEL_FAULTS = ["429", "500", "hang", "drip", "drop"] as const;
export type ModelFault = (typeof MODEL_FAULTS)[number];

/** How a model behaves from now on. */
export interface ModelSettings {
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
  readonly fault?: ModelFault | undefined;
  /** The fault comes after so many tokens; absent: before anything is answered. */
  readonly after?: number | undefined;
  /** How it differs from OpenAI's reference, where no fault comes first. */
  readonly quirk?: QuirkName | undefined;
}

export interface SettingsChange {
  readonly firstTokenMs?: number | undefined;
  readonly tokensPerSecond?: number | undefined;
  readonly fault?: ModelFault | undefined;
  readonly after?: number | undefined;
  /** Null: none any more. Absent: as before. */
  readonly quirk?: QuirkName | null | undefined;
  /** Absent: all models. */
  readonly model?: ModelName | undefined;
}

export interface SettingsBook {
  of(model: ModelName): ModelSettings;
  /** Sets the pace where it is given; a fault that is not given ends. */
  change(change: SettingsChange): void;
  reset(): void;
}

export function createSettings(): SettingsBook {
  const names = Object.keys(MODELS) as ModelName[];
  const initial = (): Map<ModelName, ModelSettings> =>
    new Map(
      names.map((name) => {
        const { firstTokenMs, tokensPerSecond } = MODELS[name];
        return [name, { firstTokenMs, tokensPerSecond }];
      }),
    );
  let current = initial();
  const of = (model: ModelName): ModelSettings => current.get(model) ?? MODELS[model];
  return {
    of,
    change({ model, firstTokenMs, tokensPerSecond, fault, after, quirk }) {
      for (const name of model === undefined ? names : [model]) {
        const before = of(name);
        const next = quirk === undefined ? before.quirk : (quirk ?? undefined);
        current.set(name, {
          firstTokenMs: firstTokenMs ?? before.firstTokenMs,
          tokensPerSecond: tokensPerSecond ?? before.tokensPerSecond,
          ...(fault === undefined ? {} : { fault, after }),
          ...(next === undefined ? {} : { quirk: next }),
        });
      }
    },
    reset() {
      current = initial();
    },
  };
}
