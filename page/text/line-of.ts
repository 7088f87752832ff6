import type { Token, Tokens } from "marked";
import { marked } from "./marked.ts";

/** What a text says in one line, without the signs of Markdown. Never throws. */
export function lineOf(text: string): string {
  let said = text;
  try {
    said = marked.lexer(text).map(wordsIn).join(" ");
  } catch {
    // It is said as it was written.
  }
  return inOneLine(said) || inOneLine(text);
}

const inOneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

function wordsIn(token: Token): string {
  if (token.type === "def") return "";
  if (token.type === "list") return (token as Tokens.List).items.map(wordsIn).join(" ");
  if (token.type === "table") {
    const { header, rows } = token as Tokens.Table;
    return [header, ...rows]
      .flat()
      .map(({ text }) => lineOf(text))
      .join(" ");
  }
  // What stands in them are blocks.
  const between = token.type === "list_item" || token.type === "blockquote" ? " " : "";
  if ("tokens" in token && token.tokens !== undefined) return token.tokens.map(wordsIn).join(between);
  return "text" in token ? String(token.text) : " ";
}
