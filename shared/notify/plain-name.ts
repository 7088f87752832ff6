const NAME_CHARS_MAX = 60;

/**
 * A name as it may stand in a mail. People choose their names, and mail programs make links of whatever looks
 * like an address: dots, slashes, colons and at signs between other signs are set apart, schemes are taken
 * out, and so is what can't be seen or turns the text round. Empty when nothing is left.
 */
export function plainName(name: string): string {
  let text = name.normalize("NFKC").replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu, "");
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replaceAll(/https?|mailto/gi, "");
  }
  text = text
    .replaceAll(/(?<=[^\s<>"'()[\]])[./\\:@\u2024\u3002]+(?=[^\s<>"'()[\]])/gu, " $& ")
    .replaceAll(/\s+/g, " ")
    .trim();
  return Array.from(text).slice(0, NAME_CHARS_MAX).join("").trim();
}
