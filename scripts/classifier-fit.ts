import { createHash } from "node:crypto";
import { type Features, featuresOf, readQuestion } from "../shared/classifier/features.ts";
import {
  BUCKETS,
  type LaneModel,
  probabilityOf,
  structureScore,
  wordValue,
} from "../shared/classifier/linear.ts";
import { madeUpQuestions } from "./classifier-examples.ts";

export interface Labelled {
  readonly text: string;
  readonly lane: "fast" | "slow";
  /** What the question wants, where the data say so: whole intents can then be held out. */
  readonly intent?: string | undefined;
}

const SEED = 1;
const EPOCHS = 8;
/** How often a made-up question counts. For weights without words it counts for more. */
const TIMES_FOR_STRUCTURE = 6;
const TIMES_FOR_WORDS = 2;

/**
 * Version 2 from the questions that are given and those that we make up: first what holds in any language,
 * then what English words say beyond it. The same questions in the same order give the same weights.
 */
export function fitLanes(questions: readonly Labelled[]): LaneModel {
  const given = examplesOf(questions);
  const own = examplesOf(madeUpQuestions());
  const structure = fitStructure([...given, ...repeated(own, TIMES_FOR_STRUCTURE)]);
  const lexicon = fitLexicon([...given, ...repeated(own, TIMES_FOR_WORDS)], structure);
  return { structure, lexicon, lexiconUnit: 1 };
}

const repeated = <T>(list: readonly T[], times: number): T[] =>
  Array.from({ length: times }, () => list).flat();

interface Example {
  readonly features: Features;
  readonly buckets: Uint32Array;
  /** 1 for slow, 0 for fast. */
  readonly target: number;
}

const examplesOf = (questions: readonly Labelled[]): Example[] =>
  questions.map(({ text, lane }) => {
    const features = featuresOf(readQuestion(text));
    return { features, buckets: features.lexicon(), target: lane === "slow" ? 1 : 0 };
  });

// Logistic regression by AdaGrad (Duchi, Hazan, Singer 2011): the more a weight has moved, the less it moves.
const STRUCTURE_RATE = 0.25;
const STRUCTURE_SQUARES = 1;
const WORD_RATE = 0.1;
const WORD_SQUARES = 1e-3;
/** Pulls the weights of words towards nothing, so that rare ones do not learn single sentences by heart. */
const WORD_DECAY = 0.005;

function fitStructure(examples: readonly Example[]): Record<string, number> {
  const structure: Record<string, number> = {};
  const squares: Record<string, number> = {};
  for (const { features, target } of inRandomOrder(examples)) {
    const gradient = probabilityOf(structureScore({ structure }, features)) - target;
    for (const name of features.structure) {
      const sum = (squares[name] ?? STRUCTURE_SQUARES) + gradient * gradient;
      squares[name] = sum;
      structure[name] = (structure[name] ?? 0) - (STRUCTURE_RATE * gradient) / Math.sqrt(sum);
    }
  }
  return structure;
}

function fitLexicon(examples: readonly Example[], structure: Readonly<Record<string, number>>): Float32Array {
  const lexicon = new Float32Array(BUCKETS);
  const squares = new Float32Array(BUCKETS).fill(WORD_SQUARES);
  for (const { features, buckets, target } of inRandomOrder(examples)) {
    const value = wordValue(buckets.length);
    let score = structureScore({ structure }, features);
    for (const bucket of buckets) score += (lexicon[bucket] ?? 0) * value;
    const error = (probabilityOf(score) - target) * value;
    for (const bucket of buckets) {
      const gradient = error + WORD_DECAY * (lexicon[bucket] ?? 0);
      const sum = (squares[bucket] ?? 0) + gradient * gradient;
      squares[bucket] = sum;
      lexicon[bucket] = (lexicon[bucket] ?? 0) - (WORD_RATE * gradient) / Math.sqrt(sum);
    }
  }
  return lexicon;
}

/** All questions, once in each epoch, each time in another order. */
function* inRandomOrder(examples: readonly Example[]): Generator<Example> {
  const random = randomFrom(SEED);
  const order = [...examples];
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    shuffle(order, random);
    yield* order;
  }
}

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle<T>(order: T[], random: () => number): void {
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
}

/** One in ten sentences is never trained on; the hash of a sentence decides which. */
const HELD_OUT_ONE_IN = 10;
export const isHeldOut = ({ text }: Labelled): boolean =>
  createHash("sha256").update(text).digest().readUInt32BE(0) % HELD_OUT_ONE_IN === 0;

const FOLDS = 5;
const FOLDS_SEED = 3;

/**
 * Five parts, each of whole intents and with both lanes in it, so that a held-out part has intents that are
 * not in the others.
 */
export function intentFolds(questions: readonly Labelled[]): Labelled[][] {
  const random = randomFrom(FOLDS_SEED);
  const foldOf = new Map<string, number>();
  for (const lane of ["slow", "fast"] as const) {
    const intents = [
      ...new Set(questions.flatMap((question) => (question.lane === lane ? [question.intent ?? ""] : []))),
    ].sort();
    shuffle(intents, random);
    for (const [index, intent] of intents.entries()) foldOf.set(intent, index % FOLDS);
  }
  const folds = Array.from({ length: FOLDS }, (): Labelled[] => []);
  for (const question of questions) folds[foldOf.get(question.intent ?? "") ?? 0]?.push(question);
  return folds;
}
