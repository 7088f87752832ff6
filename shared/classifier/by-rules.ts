import type { Cue } from "./cues.ts";
import type { Reading } from "./features.ts";

/** What each cue says for the slow lane, or against it. */
const POINTS: Readonly<Record<Cue, number>> = {
  compose: 2,
  explain: 2,
  why: 2,
  compare: 2,
  plan: 1.5,
  translate: 2,
  code: 1.5,
  suggest: 2,
  summarise: 2,
  howTo: 1.5,
  enumerate: 1.5,
  fun: 2,
  command: -1.5,
  lookup: -2,
  courtesy: -1.5,
};
/** What comes first counts for more: "write …" asks for something else than "… to write". */
const FIRST = 1.5;
const THRESHOLD = 1;
const LONG_LETTERS = 140;
const VERY_LONG_LETTERS = 400;

/** Version 1: rules that a person can read. The score is positive for slow. */
export function scoreByRules({ cues, size, sentences, hasCode }: Reading): number {
  let score = -THRESHOLD;
  for (const [cue, at] of cues) score += POINTS[cue] * (at === 0 ? FIRST : 1);
  if (hasCode) score += 3;
  if (sentences > 2) score += 1;
  if (size > LONG_LETTERS) score += 1.5;
  if (size > VERY_LONG_LETTERS) score += 2;
  return score;
}
