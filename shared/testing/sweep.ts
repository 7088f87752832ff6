/**
 * How much of its cases a sweep goes through: `whole`, or `2/3` for the second of three runs that go through
 * all of them together; some, where nothing is said.
 */
const SWEEP = process.env["SWEEP"] ?? "";
/** Whether this run goes through all that there is, however long it takes. */
export const isWhole = SWEEP === "whole";
const [, part = 0, parts = 0] = (/^([1-9])\/([1-9])$/.exec(SWEEP) ?? []).map(Number);
const isLong = isWhole || parts > 0;

/** How long one test may go through its cases: it bounds what hangs, and no more. */
export const SWEEP_MS_MAX = isLong ? 1_200_000 : 240_000;

/** `npm test` takes one of so many cases of a sweep; `npm run test:full` takes them all. */
const ONE_OF = 12;
/** And of a sweep with few cases one of fewer. */
const FEW = 24;
const ONE_OF_FEW = 6;

/**
 * The cases of a sweep that this run goes through: one of so many, shifted by one each time round, so that
 * over the cases, which list each call with each kind of fault, every kind comes.
 */
export function sweep<T>(
  cases: readonly T[],
  oneOf: number = cases.length > FEW ? ONE_OF : ONE_OF_FEW,
): readonly T[] {
  if (isWhole) return cases;
  const [each, first] = parts > 0 ? [parts, part - 1] : [oneOf, 0];
  const some = cases.filter((_, index) => (index + Math.floor(index / each)) % each === first);
  return some.length > 0 ? some : cases.slice(0, 1);
}

/** How many steps, or things, this run takes of what a whole run takes: no fewer than `some`. */
export const amountOf = (some: number, whole: number): number =>
  isWhole ? whole : Math.max(some, parts > 0 ? Math.ceil(whole / parts) : 0);
