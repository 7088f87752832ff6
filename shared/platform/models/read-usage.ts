import type { ModelUsage } from "./contract.ts";
import { type JsonObject, objectOf } from "./json-value.ts";

/** No call takes more: a larger number is a fault of the provider and not a debt. */
export const TOKENS_MAX = 10_000_000;

/**
 * The token counts of a `usage` object, under any of the names that providers give them. A count that is not
 * a whole number from 0 to TOKENS_MAX is left out, so that the caller's own estimate stands in its place.
 * Pure.
 */
export function readUsage(value: unknown): ModelUsage {
  const usage = objectOf(value);
  if (usage === undefined) return {};
  const input = count(usage, "prompt_tokens", "input_tokens", "promptTokenCount");
  const told = count(usage, "completion_tokens", "output_tokens", "candidatesTokenCount");
  const total = count(usage, "total_tokens", "totalTokenCount");
  // Gemini leaves what was thought out of the completion, but not out of the total.
  const output =
    input !== undefined && told !== undefined && total !== undefined && total > input + told
      ? total - input
      : told;
  const inputDetails = objectOf(usage["prompt_tokens_details"]) ?? objectOf(usage["input_tokens_details"]);
  const outputDetails =
    objectOf(usage["completion_tokens_details"]) ?? objectOf(usage["output_tokens_details"]);
  const cached =
    count(inputDetails, "cached_tokens") ??
    count(usage, "prompt_cache_hit_tokens", "cache_read_input_tokens");
  const thinking = count(outputDetails, "reasoning_tokens") ?? count(usage, "reasoning_tokens");
  return {
    ...(input === undefined || input === 0 ? {} : { inputTokens: input }),
    ...(output === undefined ? {} : { outputTokens: output }),
    ...(cached === undefined || input === undefined ? {} : { cachedTokens: Math.min(cached, input) }),
    ...(thinking === undefined || output === undefined ? {} : { thinkingTokens: Math.min(thinking, output) }),
  };
}

function count(object: JsonObject | undefined, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = object?.[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX)
      return value;
  }
  return undefined;
}
