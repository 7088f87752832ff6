import { TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE } from "./limits.ts";

/** Scripts in which a character says about as much as four letters do. */
const DENSE = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]$/u;
const LETTERS_PER_TOKEN = 4;

/**
 * The text in tokens: a dense character is one of its own, others come by four. Characters are never
 * split, and the first tokens of a text are the tokens of its beginning.
 */
export function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  let token = "";
  let letters = 0;
  const flush = (): void => {
    if (token !== "") tokens.push(token);
    token = "";
    letters = 0;
  };
  for (const character of text) {
    if (DENSE.test(character)) {
      flush();
      tokens.push(character);
      continue;
    }
    token += character;
    letters += 1;
    if (letters === LETTERS_PER_TOKEN) flush();
  }
  flush();
  return tokens;
}

/** The tokens that the conversation counts for. */
export function promptTokens(messages: readonly { readonly content: string }[]): number {
  return messages.reduce(
    (sum, { content }) => sum + TOKENS_PER_MESSAGE + tokensOf(content).length,
    TOKENS_PER_ANSWER,
  );
}
