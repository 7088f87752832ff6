import type { AppSettings, Price } from "../identity/contract.ts";

const FREE: Price = { inputMicros: 0, outputMicros: 0 };
const TOKENS_OF_PRICE = 1_000_000;

/** What a call took. */
export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens?: number | undefined;
}

/** Whether the app has said what the model costs: under a budget no other may be asked. Pure. */
export const hasPrice = ({ assistant }: AppSettings, model: string): boolean =>
  Object.hasOwn(assistant.prices, model);

/** A model without a price costs nothing. Pure. */
export const priceOf = (settings: AppSettings, model: string): Price =>
  (hasPrice(settings, model) ? settings.assistant.prices[model] : undefined) ?? FREE;

/** In millionths of the currency, rounded up. Pure. */
export function costOf(
  { inputMicros, outputMicros, cachedMicros = inputMicros }: Price,
  { inputTokens, outputTokens, cachedTokens = 0 }: Tokens,
): number {
  const cached = Math.min(cachedTokens, inputTokens);
  const input = (inputTokens - cached) * inputMicros + cached * cachedMicros;
  return Math.ceil((input + outputTokens * outputMicros) / TOKENS_OF_PRICE);
}

/** How many tokens of an answer can be paid with so much, after a question of so many. Pure. */
export function affordableTokens(price: Price, inputTokens: number, micros: number): number {
  const left = micros - costOf(price, { inputTokens, outputTokens: 0 });
  if (left < 0) return 0;
  return price.outputMicros === 0
    ? Number.POSITIVE_INFINITY
    : Math.floor((left * TOKENS_OF_PRICE) / price.outputMicros);
}
