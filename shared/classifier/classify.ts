import { scoreByRules } from "./by-rules.ts";
import { scoreByWeights } from "./by-weights.ts";
import { detectLanguage, type Language } from "./detect-language.ts";
import { readQuestion } from "./features.ts";
import { probabilityOf } from "./linear.ts";

/** Fast: looked up, done or said in a breath. Slow: composed or reasoned. */
export type Lane = "fast" | "slow";
export type ClassifierVersion = "v1" | "v2";

export interface Classification {
  readonly lane: Lane;
  /** From 0.5 to 1: how sure the version is of its lane. */
  readonly confidence: number;
  readonly language: Language;
  readonly version: ClassifierVersion;
}

/** Any text has a classification; it takes bounded time, well under a millisecond, and asks nobody. */
export type Classifier = (text: string) => Classification;

/** Both versions, so that a rollout can run one beside the other. */
export const versions: Readonly<Record<ClassifierVersion, Classifier>> = {
  v1: (text) => {
    const { language } = detectLanguage(text);
    return classification("v1", scoreByRules(readQuestion(text)), language);
  },
  v2: (text) => {
    const detection = detectLanguage(text);
    return classification("v2", scoreByWeights(readQuestion(text), detection), detection.language);
  },
};

/** The lane of a question, by the newest version. */
export const classify: Classifier = versions.v2;

function classification(version: ClassifierVersion, score: number, language: Language): Classification {
  return {
    lane: score > 0 ? "slow" : "fast",
    confidence: probabilityOf(Math.abs(score)),
    language,
    version,
  };
}
