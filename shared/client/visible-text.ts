/**
 * Whether there is something to be seen in a text: anything but white space, what Unicode ignores by default,
 * format characters, and the blank of Braille. The API refuses other texts. Invariant: visible-text.test.ts.
 */
export const isVisibleText = (text: string): boolean =>
  /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\u2800]/u.test(text);
