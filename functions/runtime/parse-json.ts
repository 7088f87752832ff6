import { AppError } from "../../shared/platform/errors.ts";
import { fieldPath } from "../../shared/platform/field-errors.ts";

/** Nothing in our API nests deeper than a handful of levels. */
export const JSON_DEPTH_MAX = 64;

/**
 * A body of ours holds at most some hundred values. A megabyte can hold half a million, and each that is
 * wrong costs the check of a schema and words about it.
 */
export const JSON_VALUES_MAX = 5_000;

const malformed = (message: string, cause?: unknown): AppError =>
  new AppError("malformed_json", message, {}, { cause });

/**
 * Parses a JSON body strictly: valid UTF-8, no name twice in one object (readers differ in which of
 * the two counts), no `__proto__`, at most JSON_DEPTH_MAX levels.
 * With `valuesMax` a body of more values and names than that is refused before it is parsed.
 * @throws AppError `malformed_json`, `invalid_request`
 */
export function parseJson(bytes: Uint8Array, valuesMax = Number.POSITIVE_INFINITY): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed("The body is not valid UTF-8.", cause);
  }
  let value: unknown;
  try {
    checkSize(text, valuesMax);
    value = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw malformed("The body is not valid JSON.");
  }
  checkNames(text);
  if (LONE_SURROGATE.test(text)) demandWellFormed(value, []);
  return value;
}

/** The text is valid UTF-8, so a surrogate without its other half can only stand there as an escape. */
const LONE_SURROGATE = /\\u[dD][89abAB]|\\u[dD][c-fC-F]/;

/** Firestore stores no half of a character. @throws AppError `invalid_request` naming the field */
function demandWellFormed(value: unknown, path: readonly string[]): void {
  const broken = (): AppError =>
    new AppError("invalid_request", "Some text is not well-formed Unicode; see errors.", {
      errors: [
        { path: fieldPath(path), message: "must be well-formed Unicode: it contains a lone surrogate" },
      ],
    });
  if (typeof value === "string" && !value.isWellFormed()) throw broken();
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (!name.isWellFormed()) throw broken();
    demandWellFormed(inner, [...path, name]);
  }
}

/** Counts brackets and commas outside of strings, before a parser would recurse into them. */
function checkSize(text: string, valuesMax: number): void {
  let depth = 0;
  let values = 1;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index);
    if (char === QUOTE) index = endOfString(text, index);
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      if (depth > JSON_DEPTH_MAX) throw malformed(`The body nests deeper than ${JSON_DEPTH_MAX} levels.`);
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth -= 1;
    else if (char === COMMA) {
      values += 1;
      if (values > valuesMax) {
        throw new AppError("invalid_request", `The body holds more than ${valuesMax} values.`);
      }
    }
  }
}

/** Looks for repeated names; the text is known to be valid JSON. */
function checkNames(text: string): void {
  const objects: (Set<string> | undefined)[] = [];
  let isName = false;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case OPEN_BRACE:
        objects.push(new Set());
        isName = true;
        break;
      case OPEN_BRACKET:
        objects.push(undefined);
        isName = false;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        objects.pop();
        break;
      case COMMA:
        isName = objects.at(-1) !== undefined;
        break;
      case QUOTE: {
        const end = endOfString(text, index);
        if (isName) addName(objects.at(-1), JSON.parse(text.slice(index, end + 1)) as string);
        isName = false;
        index = end;
        break;
      }
    }
  }
}

function addName(names: Set<string> | undefined, name: string): void {
  if (names?.has(name)) throw malformed("The body names a field twice in one object.");
  if (name === "__proto__") throw malformed("The body has a field that is not allowed in JSON here.");
  names?.add(name);
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text.charCodeAt(index) !== QUOTE) {
    index += text.charCodeAt(index) === BACKSLASH ? 2 : 1;
  }
  return index;
}

const QUOTE = 34;
const COMMA = 44;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
