/** Whether this run goes through all that there is, however long it takes. */
export const isWhole = process.env["SWEEP"] === "whole";

/** `npm test` takes one of so many cases of a sweep; `npm run test:full` takes them all. */
const ONE_OF = 3;

/**
 * The cases of a sweep that this run goes through: each third one. The cases list each call with each kind of
 * fault, one after the other, so the third ones still cover every call and every kind.
 */
export const sweep = <T>(cases: readonly T[]): readonly T[] =>
  isWhole ? cases : cases.filter((_, index) => (index + Math.floor(index / ONE_OF)) % ONE_OF === 0);
