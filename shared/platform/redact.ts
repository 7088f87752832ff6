/**
 * What must never stand in a log, by its shape: whoever writes a line may have been handed it in an address,
 * a header or an error of somebody else's. Each pattern consumes the whole run that it has begun to match, so
 * none reads the same text twice and a line of a megabyte costs milliseconds.
 */
const SHAPES: readonly (readonly [name: string, shape: RegExp])[] = [
  ["token", /\beyJ[\w-]{8,}(?:\.[\w-]*)*/g],
  ["token", /\bsb[a-z]_[\w-]{8,}/g],
  ["token", /\bBearer +[\w.~+/=-]{8,}/gi],
  ["key", /\b(?:sk-|ya29\.|AIza)[\w-]{12,}/g],
  // Not where it is a number in JSON, which would be none any more.
  ["code", /(?<=\bcode(?:\\?["' =:]|%[0-9A-F]{2}){0,5}(?:\\?["' =]|%[0-9A-F]{2}))\d{6}\b/gi],
];
// An address has at most 64 characters before its @ (RFC 5321, 4.5.3.1.1).
const ADDRESS = /[\w.+'-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/gi;

/** The text with tokens, keys, codes and mail addresses struck out. JSON stays JSON. */
export function redact(text: string): string {
  const clean = SHAPES.reduce((rest, [name, shape]) => rest.replace(shape, `[${name}]`), text);
  // Looked for from every word on, it would take nine tenths of the time.
  const mayHold = clean.includes("@") || clean.includes("%40");
  return mayHold ? clean.replace(ADDRESS, "[address]") : clean;
}

/** One line as it may stand in a log: no line breaks, no escape sequences of terminals, bounded. */
export const logWord = (text: string, charsMax: number): string =>
  redact(text.slice(0, charsMax).replace(/[\p{Cc}\u2028\u2029]+/gu, " "));
