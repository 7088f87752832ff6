import type { Answered, Rated } from "../rollout/outcome.ts";
import { seededRandom } from "./seeded-random.ts";

/** Made-up questions for tests: who asks what in which language, and how the versions do. */
export interface Question {
  readonly person: string;
  readonly language: string;
  readonly lane: "fast" | "slow";
}

/** How a version does for a language. */
export interface Behaviour {
  readonly errorShare: number;
  readonly medianMs: number;
  readonly downShare: number;
}

const LANGUAGES: readonly (readonly [language: string, share: number])[] = [
  ["en", 0.35],
  ["es", 0.2],
  ["de", 0.15],
  ["fr", 0.1],
  ["pt", 0.1],
  ["ja", 0.1],
];
const SLOW_SHARE = 0.3;
const RATED_SHARE = 0.1;
/** Of the logarithm of the time an answer takes. */
const SPREAD = 0.5;

export interface Traffic {
  question(): Question;
  outcomes(behaviour: Behaviour): (Answered | Rated)[];
  random(): number;
}

export function simulateTraffic(seed: number, people: number): Traffic {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const languageOf = (place: number): string => {
    let left = place;
    for (const [language, share] of LANGUAGES) {
      if (left < share) return language;
      left -= share;
    }
    return "en";
  };
  return {
    random,
    question() {
      const index = Math.floor(random() * people);
      const language = languageOf((index + 0.5) / people);
      return { person: `person-${index}`, language, lane: random() < SLOW_SHARE ? "slow" : "fast" };
    },
    outcomes({ errorShare, medianMs, downShare }) {
      const ok = random() >= errorShare;
      const latencyMs = medianMs * Math.exp(SPREAD * normal());
      const answered: Answered = { kind: "answered", ok, latencyMs, firstTokenMs: latencyMs / 5 };
      if (!ok || random() >= RATED_SHARE) return [answered];
      return [answered, { kind: "rated", after: random() < downShare ? "down" : "up" }];
    },
  };
}

export const GOOD: Behaviour = { errorShare: 0.01, medianMs: 900, downShare: 0.2 };
