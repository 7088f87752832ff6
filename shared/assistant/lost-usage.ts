import type { LostUsage } from "../chat/log/message.ts";
import type { AppSettings } from "../identity/contract.ts";
import { costOf, priceOf, type Tokens } from "./price.ts";

/** Calls whose answers did not last are paid for too: each by what it has said. */
export const NOTHING_LOST: LostUsage = { inputTokens: 0, outputTokens: 0, costMicros: 0 };

/** What a call cost that came to nothing. Pure. */
export const lostIn = (settings: AppSettings, model: string, tokens: Tokens): LostUsage => ({
  inputTokens: tokens.inputTokens,
  outputTokens: tokens.outputTokens,
  costMicros: costOf(priceOf(settings, model), tokens),
});

export const addLost = (one: LostUsage, other: LostUsage): LostUsage => ({
  inputTokens: one.inputTokens + other.inputTokens,
  outputTokens: one.outputTokens + other.outputTokens,
  costMicros: one.costMicros + other.costMicros,
});

export const isLost = ({ inputTokens, outputTokens }: LostUsage): boolean => inputTokens + outputTokens > 0;
