import { BUCKET_BITS, type Features } from "./features.ts";

/** Weights of a sum that is the logarithm of the odds for the slow lane. */
export interface LaneModel {
  /** By the names of structural features. Enough by itself, in any language. */
  readonly structure: Readonly<Record<string, number>>;
  /**
   * A weight for each bucket of words, in units of `lexiconUnit`: what English words say beyond the
   * structure.
   */
  readonly lexicon: Int8Array | Float32Array;
  readonly lexiconUnit: number;
}

export const BUCKETS = 2 ** BUCKET_BITS;

/** How much all words together weigh, however many they are. */
const LEXICON_NORM = 4;
export const wordValue = (words: number): number => LEXICON_NORM / Math.sqrt(Math.max(words, 1));

export function structureScore(model: Pick<LaneModel, "structure">, { structure }: Features): number {
  let score = 0;
  for (const name of structure) score += model.structure[name] ?? 0;
  return score;
}

export function lexiconScore({ lexicon, lexiconUnit }: LaneModel, features: Features): number {
  const buckets = features.lexicon();
  let sum = 0;
  for (const bucket of buckets) sum += lexicon[bucket] ?? 0;
  return sum * lexiconUnit * wordValue(buckets.length);
}

export const probabilityOf = (score: number): number => 1 / (1 + Math.exp(-score));
