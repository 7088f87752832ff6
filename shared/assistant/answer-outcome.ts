import type { AnswerError, Served } from "../chat/contract.ts";
import type { LostUsage } from "../chat/log/message.ts";
import type { SegmentEnd } from "../chat/log/segments.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { AnswerMessage } from "./claim-answer.ts";
import type { Outcome } from "./complete-answer.ts";
import { type AnswerErrorCode, wordsOf } from "./failure-words.ts";
import { NOTHING_LOST } from "./lost-usage.ts";
import { costOf, priceOf } from "./price.ts";

interface Failing {
  readonly code: AnswerErrorCode;
  readonly model: string;
  readonly served?: Omit<Served, "as">;
  readonly lost?: LostUsage | undefined;
  readonly settings?: AppSettings;
}

/** An answer that says in the asker's language why there is none. */
export function failed({ answer }: AnswerMessage, { code, model, served, lost, settings }: Failing): Outcome {
  const error: AnswerError = { code, message: wordsOf(code, answer.language) };
  const usage = settings === undefined ? undefined : usageOf(settings, undefined, lost, model);
  return { status: "failed", text: error.message, model, usage, error, served: { as: "none", ...served } };
}

/** What attempts have cost together that came to nothing. Pure. */
export const sum = (one: LostUsage | undefined, other: LostUsage): LostUsage => ({
  inputTokens: (one?.inputTokens ?? 0) + other.inputTokens,
  outputTokens: (one?.outputTokens ?? 0) + other.outputTokens,
  costMicros: (one?.costMicros ?? 0) + other.costMicros,
});

interface Kept {
  readonly text: string;
  readonly thinking: string;
  readonly end: SegmentEnd;
}

export function kept(
  settings: AppSettings,
  { text, thinking, end }: Kept,
  lost: LostUsage | undefined,
): Outcome {
  const { model, finish, thinkingTokens, served, given } = end;
  return {
    status: finish === "stopped" ? "stopped" : "complete",
    text,
    ...(thinking === "" ? {} : { thinking: { text: thinking, tokens: thinkingTokens ?? 0 } }),
    finishReason: finish,
    model,
    usage: usageOf(settings, end, lost),
    served,
    ...(given === undefined ? {} : { given }),
  };
}

/** What an answer took, with all attempts that came to nothing; undefined where nothing was called. Pure. */
export function usageOf(
  settings: AppSettings,
  end: SegmentEnd | undefined,
  lost: LostUsage = NOTHING_LOST,
  model = end?.model ?? "",
): Outcome["usage"] {
  if (end === undefined && lost.inputTokens + lost.outputTokens === 0) return undefined;
  const { inputTokens, outputTokens, cachedTokens } = end ?? { inputTokens: 0, outputTokens: 0 };
  const own = costOf(priceOf(settings, model), { inputTokens, outputTokens, cachedTokens });
  return {
    model,
    inputTokens: inputTokens + lost.inputTokens,
    outputTokens: outputTokens + lost.outputTokens,
    costMicros: own + lost.costMicros,
    latencyMs: end?.latencyMs ?? 0,
    ...(end?.firstTokenMs === undefined ? {} : { firstTokenMs: end.firstTokenMs }),
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
  };
}
