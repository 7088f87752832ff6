import type { Mention } from "../chat/contract.ts";

/** Somebody who can be mentioned, and by what. */
export interface Named {
  readonly name: string;
  readonly user: Mention["user"];
}

/** An at sign that begins a word: in an address it does not. */
const SIGN = /(?<![\p{L}\p{N}_.+-])@/gu;
const WORD = /^[\p{L}\p{N}_]/u;

/** Of two people by one name the first counts. The longest name that fits is the one that is meant. */
export function findMentions(text: string, named: readonly Named[]): Mention[] {
  const longestFirst = named
    .filter(({ name }) => name !== "")
    .toSorted((a, b) => b.name.length - a.name.length);
  const found: Mention[] = [];
  for (const { index: start } of text.matchAll(SIGN)) {
    const rest = text.slice(start + 1).toLocaleLowerCase();
    const one = longestFirst.find(
      ({ name }) =>
        rest.startsWith(name.toLocaleLowerCase()) && !WORD.test(text.slice(start + 1 + name.length)),
    );
    if (one === undefined) continue;
    found.push({ start, end: start + 1 + one.name.length, user: one.user });
    if (found.length === MENTIONS_MAX) break;
  }
  return found;
}

/** As many as the API takes. */
const MENTIONS_MAX = 50;

/** What is being typed behind an at sign, up to the cursor. */
export interface Sought {
  /** Where the at sign stands. */
  readonly start: number;
  readonly wanted: string;
}

/** Names may hold spaces, so it goes on over a few. */
const SOUGHT = /(?<![\p{L}\p{N}_.+-])@([\p{L}\p{M}\p{N}_'’.-]*(?: [\p{L}\p{M}\p{N}_'’.-]*){0,2})$/u;

export function soughtBefore(text: string, cursor: number): Sought | undefined {
  const match = SOUGHT.exec(text.slice(0, cursor));
  return match === null ? undefined : { start: match.index, wanted: match[1] ?? "" };
}

/** Those of whose name a word begins so, or several; those whose name begins so first. */
export function offered<Person extends { readonly name: string }>(
  wanted: string,
  people: readonly Person[],
): readonly Person[] {
  const low = wanted.toLocaleLowerCase();
  const rank = ({ name }: Person): number => {
    const at = ` ${name.toLocaleLowerCase()}`.indexOf(` ${low}`);
    return at === -1 ? -1 : Math.min(at, 1);
  };
  return people.filter((person) => rank(person) !== -1).toSorted((a, b) => rank(a) - rank(b));
}
