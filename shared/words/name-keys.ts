import { foldText } from "./fold.ts";
import { gramsOf } from "./grams.ts";

/**
 * What a name or title is found by: a key for each of its grams, that a query may join on. A name of
 * NAME_CHARS_MAX characters has at most three times as many.
 */
export type NameKeys = Readonly<Record<string, true>>;

/** What is looked for among names, as the caller of a search has worked it out. */
export interface NameWanted {
  isNamed(name: string): boolean;
  /** Every such name has all of these keys, and some others may have. */
  readonly keys: readonly string[];
}

export const nameKeysOf = (name: string): NameKeys =>
  Object.fromEntries([...gramsOf(foldText(name))].map((gram) => [gram, true as const]));
