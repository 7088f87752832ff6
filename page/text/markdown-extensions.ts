import type { TokenizerAndRendererExtension } from "marked";

/** What Markdown does not have of itself. */

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A formula stands in the text until its typesetter is there; see formulas.ts. */
const formula = (tag: "div" | "span", tex: string): string =>
  `<${tag} class="formula">${escaped(tex.trim())}</${tag}>`;

export const mathBlock: TokenizerAndRendererExtension = {
  name: "mathBlock",
  level: "block",
  start: (text) => text.match(/^(?:\$\$|\\\[)/m)?.index,
  tokenizer(text) {
    const [raw, dollars, brackets] =
      /^\$\$([^$]+?)\$\$[ \t]*(?:\n|$)|^\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/.exec(text) ?? [];
    return raw === undefined ? undefined : { type: "mathBlock", raw, text: dollars ?? brackets ?? "" };
  },
  renderer: ({ text }) => formula("div", String(text)),
};

/** `$5 and $6` are prices: a formula does not begin or end with a space, and no digit follows it. */
export const mathInline: TokenizerAndRendererExtension = {
  name: "mathInline",
  level: "inline",
  start: (text) => text.match(/\$|\\\(/)?.index,
  tokenizer(text) {
    const [raw, dollars, brackets] =
      /^\$(?!\s)((?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d)|^\\\(([^\n]+?)\\\)/.exec(text) ?? [];
    return raw === undefined ? undefined : { type: "mathInline", raw, text: dollars ?? brackets ?? "" };
  },
  renderer: ({ text }) => formula("span", String(text)),
};

const NOTE = String.raw`\[\^([\w-]{1,40})\]`;

/** `[^1]`, where the note is spoken of. */
export const footnoteMark: TokenizerAndRendererExtension = {
  name: "footnoteMark",
  level: "inline",
  start: (text) => text.match(/\[\^/)?.index,
  tokenizer(text) {
    const [raw, name] = new RegExp(`^${NOTE}(?!:)`).exec(text) ?? [];
    return raw === undefined ? undefined : { type: "footnoteMark", raw, name };
  },
  renderer: ({ name }) => `<sup>${escaped(String(name))}</sup>`,
};

/** `[^1]: what it says`. */
export const footnoteText: TokenizerAndRendererExtension = {
  name: "footnoteText",
  level: "block",
  start: (text) => text.match(/^\[\^/m)?.index,
  tokenizer(text) {
    const [raw, name, said = ""] = new RegExp(String.raw`^${NOTE}:[ \t]*([^\n]*)(?:\n|$)`).exec(text) ?? [];
    if (raw === undefined) return undefined;
    return { type: "footnoteText", raw, name, tokens: this.lexer.inlineTokens(said) };
  },
  renderer({ name, tokens = [] }) {
    return `<p class="footnote"><sup>${escaped(String(name))}</sup> ${this.parser.parseInline(tokens)}</p>`;
  },
};
