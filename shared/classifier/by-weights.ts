import type { Detection } from "./detect-language.ts";
import { featuresOf, type Reading } from "./features.ts";
import { type LaneModel, lexiconScore, structureScore } from "./linear.ts";
import weights from "./weights/lane-v2.json" with { type: "json" };

/** How sure a text must be of another language for what English words say to be left out. */
const FOREIGN_MIN = 0.9;

/**
 * A question counts as slow from odds of 2 to 3: a slow question in the fast lane holds up others, while a
 * fast one in the slow lane only waits a little itself.
 */
const SLOW_FROM = Math.log(2 / 3);

let shipped: LaneModel | undefined;

/** Decoded at the first question. */
function shippedModel(): LaneModel {
  shipped ??= {
    structure: weights.structure,
    lexicon: new Int8Array(Buffer.from(weights.lexicon, "base64")),
    lexiconUnit: weights.lexiconUnit,
  };
  return shipped;
}

/** Of the file that the shipped weights were learned from. */
export const trainedOn: { readonly sha256: string; readonly questions: number } = weights.trainedOn;

/** Version 2: weights learned from labelled questions. The score is positive for slow. */
export function scoreByWeights(
  reading: Reading,
  { language, confidence }: Detection,
  model: LaneModel = shippedModel(),
): number {
  const features = featuresOf(reading);
  const isForeign = language !== "en" && language !== "und" && confidence >= FOREIGN_MIN;
  const words = isForeign ? 0 : lexiconScore(model, features);
  return structureScore(model, features) + words - SLOW_FROM;
}
