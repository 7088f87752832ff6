import type { z } from "zod";

/** Wrong fields that a refusal names at most; `errorsCount` says how many there are. */
export const ERRORS_MAX = 20;
/** What a refusal says of one field at most, in characters of each part. */
export const PATH_CHARS_MAX = 100;
export const MESSAGE_CHARS_MAX = 150;

export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** What is wrong with a value, bounded whatever was sent: names of fields are the sender's words. */
export interface FieldErrors {
  readonly errors: readonly FieldError[];
  /** How many there are; absent when all are named. */
  readonly errorsCount?: number;
}

/** The first ERRORS_MAX wrong fields of a refused value. */
export function fieldErrors({ issues }: z.ZodError): FieldErrors {
  const errors: FieldError[] = [];
  let count = 0;
  const add = (path: readonly PropertyKey[], message: string): void => {
    count += 1;
    if (errors.length < ERRORS_MAX) {
      errors.push({
        path: fieldPath(path),
        message: excerptOf(message, MESSAGE_CHARS_MAX),
      });
    }
  };
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") add(issue.path, issue.message);
    else for (const key of issue.keys) add([...issue.path, key], "is not known here");
  }
  return count > ERRORS_MAX ? { errors, errorsCount: count } : { errors };
}

/** Where a field stands, as refusals name it. */
export const fieldPath = (path: readonly PropertyKey[]): string =>
  excerptOf(path.map(String).join("."), PATH_CHARS_MAX);

/** Control characters would take six in JSON each, and say nothing. */
const excerptOf = (text: string, charsMax: number): string =>
  (text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text)
    .replace(/\p{Cc}/gu, "\uFFFD")
    .toWellFormed();
