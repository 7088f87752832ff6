/** Whether this run goes through all that there is, however long it takes. */
export const isWhole = process.env["SWEEP"] === "whole";

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
  return cases.filter((_, index) => (index + Math.floor(index / oneOf)) % oneOf === 0);
}
