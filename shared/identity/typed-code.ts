/**
 * A code as people type it, as what it stands for: digits of any script and full-width ones are ASCII digits;
 * spaces, dashes and marks that can't be seen say nothing.
 */
export const foldCode = (text: string): string =>
  text
    .normalize("NFKC")
    .replaceAll(/\p{Nd}/gu, asciiDigit)
    .replaceAll(/[\s\p{Zs}\p{Pd}\p{Cf}\u2212]/gu, "");

const DIGIT = /^\p{Nd}$/u;
const isDigit = (codePoint: number): boolean => DIGIT.test(String.fromCodePoint(codePoint));

/** Unicode encodes the digits of a script in a row from zero to nine. */
function asciiDigit(digit: string): string {
  const codePoint = digit.codePointAt(0) ?? 0;
  let zero = codePoint;
  while (codePoint - zero < 9 && isDigit(zero - 1)) zero -= 1;
  return String(codePoint - zero);
}
