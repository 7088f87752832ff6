import type { Deps } from "../platform/deps.ts";
import { composeTurns, type Conversation } from "../platform/models/compose-turns.ts";
import type { FinishReason, ModelUsage } from "../platform/models/contract.ts";
import { estimateTokens } from "../platform/models/estimate-tokens.ts";
import { roomOf } from "./history.ts";
import type { Tokens } from "./price.ts";

/** What a model said that nobody reads along, and what it took. */
export interface WholeAnswer extends Tokens {
  readonly text: string;
  readonly finish: FinishReason;
  readonly latencyMs: number;
  readonly firstTokenMs: number | undefined;
}

/**
 * Asks a model and waits for all of it; thinking is left out. One model call.
 * @throws ModelFailure
 */
export async function askWhole(
  { models }: Pick<Deps, "models">,
  call: {
    readonly model: string;
    readonly conversation: Conversation;
    readonly tokensMax: number;
    readonly lane: "fast" | "slow";
    readonly msMax: number;
  },
): Promise<WholeAnswer> {
  const { model, conversation, tokensMax, lane, msMax } = call;
  const room = roomOf(models.catalog, model);
  const maxTokens = Math.min(tokensMax, room.outputTokens);
  const { turns, inputTokens } = composeTurns(conversation, { ...room, outputTokens: maxTokens });
  const startedMs = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedMs);
  let text = "";
  let finish: FinishReason = "stop";
  let usage: ModelUsage = {};
  let firstTokenMs: number | undefined;
  const signal = AbortSignal.timeout(msMax);
  for await (const piece of models.stream({ model, turns, maxTokens, lane, signal })) {
    if (piece.kind === "text") {
      firstTokenMs ??= elapsedMs();
      text += piece.text;
    } else if (piece.kind === "finish") finish = piece.reason;
    else if (piece.kind === "usage") ({ usage } = piece);
  }
  return {
    text,
    finish,
    inputTokens: usage.inputTokens ?? inputTokens,
    outputTokens: usage.outputTokens || estimateTokens(text),
    cachedTokens: usage.cachedTokens,
    latencyMs: elapsedMs(),
    firstTokenMs,
  };
}
