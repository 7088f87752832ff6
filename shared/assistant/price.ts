import type { AppSettings, Price } from "../identity/contract.ts";

const FREE: Price = { inputMicros: 0, outputMicros: 0 };
const TOKENS_OF_PRICE = 1_000_000;

/** A model without a price costs nothing. Pure. */
export const priceOf = ({ assistant }: AppSettings, model: string): Price => assistant.prices[model] ?? FREE;

/** In millionths of the currency, rounded up. Pure. */
export const costOf = (
  { inputMicros, outputMicros }: Price,
  { inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number },
): number => Math.ceil((inputTokens * inputMicros + outputTokens * outputMicros) / TOKENS_OF_PRICE);

/** How many tokens of an answer can be paid with so much, after a question of so many. Pure. */
export function affordableTokens(price: Price, inputTokens: number, micros: number): number {
  const left = micros - costOf(price, { inputTokens, outputTokens: 0 });
  if (left < 0) return 0;
  return price.outputMicros === 0
    ? Number.POSITIVE_INFINITY
    : Math.floor((left * TOKENS_OF_PRICE) / price.outputMicros);
}
