import { hash } from "node:crypto";
import type { Audience } from "./contract.ts";
import type { StoredRollout } from "./store.ts";

export type Reason = "stable" | "canary" | "exception" | "rolled back";
export type Arm = "stable" | "candidate";

/** The place of an outcome in the comparison: which trial, on which side, and how many took part then. */
export interface Trial {
  readonly number: number;
  readonly percent: number;
  readonly arm: Arm;
}

export interface Choice {
  readonly version: string;
  readonly reason: Reason;
  /** The version to be run beside it, whose answer nobody gets; its outcomes are of the arm `candidate`. */
  readonly shadow?: string;
  /** To be kept with the answer and given with its outcomes; absent when nothing is being compared. */
  readonly trial?: Trial;
}

/** What is known of who asks. */
export type Traits = { readonly [Name in keyof Audience]?: string | undefined };

/** The rollouts of an app by name. */
export type RolloutSet = ReadonlyMap<string, StoredRollout>;

const PLACES = 10_000;
const UNKNOWN_LANGUAGE = "und";

/**
 * The language by which outcomes are counted and segments go back; it stands in a field's name, so it is
 * plain.
 */
export const languageOf = (language: string | undefined): string =>
  language !== undefined && /^[a-z]{2,3}$/.test(language) ? language : UNKNOWN_LANGUAGE;

/**
 * Where a person stands in the trial, from 0 to 9,999: always the same in one trial, and unrelated to where
 * they stand in another, so that no one is always among the first.
 */
export function placeOf(rollout: Pick<StoredRollout, "name" | "trial">, person: string): number {
  const digest = hash("sha256", `${rollout.name}\n${rollout.trial}\n${person}`, "buffer");
  return digest.readUInt32BE(0) % PLACES;
}

/**
 * Which version a person gets. Pure, and the same for the same person as long as the rollout is unchanged; a
 * raised share keeps those who have the candidate. Undefined when there is no such rollout: the caller's own
 * default holds.
 */
export function choose(
  rollouts: RolloutSet,
  { name, person, segment }: { readonly name: string; readonly person: string; readonly segment: Traits },
): Choice | undefined {
  const rollout = rollouts.get(name);
  if (rollout === undefined) return undefined;
  const { definition, percent } = rollout;
  const { stable, candidate } = definition;
  if (definition.mode === "off") return { version: stable, reason: "stable" };
  const exception = definition.exceptions.find((each) => fits(each.segment, segment));
  const isBack =
    rollout.rolledBack !== null ||
    rollout.withdrawn.some(({ language }) => language === languageOf(segment.language));
  if (isBack && exception?.version !== stable) return { version: stable, reason: "rolled back" };
  if (exception !== undefined) return { version: exception.version, reason: "exception" };
  const takesPart = placeOf(rollout, person) < Math.round((percent * PLACES) / 100);
  const trial = (arm: Arm): { trial: Trial } => ({ trial: { number: rollout.trial, percent, arm } });
  if (definition.mode === "shadow") {
    const answered: Choice = { version: stable, reason: "stable" };
    return takesPart ? { ...answered, shadow: candidate, ...trial("stable") } : answered;
  }
  if (takesPart) return { version: candidate, reason: "canary", ...trial("candidate") };
  return { version: stable, reason: "stable", ...(percent > 0 ? trial("stable") : {}) };
}

const fits = (wanted: Audience, traits: Traits): boolean =>
  Object.entries(wanted).every(([name, value]) => traits[name as keyof Audience] === value);
