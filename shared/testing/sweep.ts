/** Whether this run goes through all that there is, however long it takes. */
export const isWhole = process.env["SWEEP"] === "whole";

/** `npm test` takes one of so many cases of a sweep; `npm run test:full` takes them all. */
const ONE_OF = 6;

/**
 * The cases of a sweep that this run goes through: each sixth one, shifted by one each time round, so that
 * over the cases, which list each call with each kind of fault, every kind comes.
 */
export const sweep = <T>(cases: readonly T[]): readonly T[] =>
  isWhole ? cases : cases.filter((_, index) => (index + Math.floor(index / ONE_OF)) % ONE_OF === 0);
