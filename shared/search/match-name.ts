import { AppError } from "../platform/errors.ts";
import { foldText } from "./fold.ts";

/** Tells whether a name or title has what is looked for, anywhere in it and however it is written. */
export type NameMatch = (name: string) => boolean;

/** @throws AppError `invalid_request` when nothing is left to look for */
export function nameMatch(q: string): NameMatch {
  const wanted = foldText(q);
  if (wanted === "") {
    throw new AppError("invalid_request", "Some fields are not valid; see errors.", {
      errors: [{ path: "q", message: "must have something to look for" }],
    });
  }
  return (name) => foldText(name).includes(wanted);
}
