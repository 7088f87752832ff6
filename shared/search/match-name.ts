import { AppError } from "../platform/errors.ts";
import { foldText } from "../words/fold.ts";
import { runsOf } from "../words/grams.ts";
import type { NameWanted } from "../words/name-keys.ts";
import { planGrams } from "./plan-grams.ts";

/**
 * Says which names have what is looked for, anywhere in them and however they are written.
 * @throws AppError `invalid_request` when nothing is left to look for
 */
export function nameMatch(q: string): NameWanted {
  const wanted = foldText(q);
  if (wanted === "") {
    throw new AppError("invalid_request", "Some fields are not valid; see errors.", {
      errors: [{ path: "q", message: "must have something to look for" }],
    });
  }
  return {
    isNamed: (name) => foldText(name).includes(wanted),
    keys: planGrams(runsOf(wanted).map((text) => ({ text, isTolerant: false }))),
  };
}
