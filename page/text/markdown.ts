import DOMPurify, { type Config } from "dompurify";
import type { Token, TokensList } from "marked";
import { ADDRESS, marked } from "./marked.ts";

/**
 * Markdown as GitHub has it, with footnotes and formulas. What is markup in the text is shown as it was
 * written; what is made of it goes through DOMPurify all the same.
 */

/** What DOMPurify lets through: what the renderer makes, and nothing that leads or looks elsewhere. */
const ALLOWED: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: [
    ..."h1 h2 h3 h4 h5 h6 p br hr blockquote ul ol li pre code em strong del sup a input".split(" "),
    ..."table thead tbody tr th td span div".split(" "),
  ],
  ALLOWED_ATTR: ["href", "title", "class", "align", "start", "type", "checked", "disabled"],
  ALLOWED_URI_REGEXP: ADDRESS,
  // Without this the address's form would be asked of them too.
  ADD_URI_SAFE_ATTR: ["align", "start", "type", "checked", "disabled"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** A block of a text: a paragraph, a list, a table, a piece of code … */
export interface Block {
  /** Its Markdown. */
  readonly raw: string;
  draw(): DocumentFragment;
}

/** The blocks of a text, in order. Never throws: what can't be parsed is a paragraph of what was written. */
export function blocksOf(text: string): Block[] {
  let tokens: TokensList;
  try {
    tokens = marked.lexer(text);
  } catch {
    return [{ raw: text, draw: () => plain(text) }];
  }
  const shown = tokens.filter(({ type }) => type !== "space" && type !== "def");
  // Nothing but what other lines could have named is shown as it was written.
  if (shown.length === 0 && tokens.some(({ type }) => type === "def")) {
    return [{ raw: text, draw: () => plain(text) }];
  }
  return shown.map((token) => ({ raw: token.raw, draw: () => drawToken(token, tokens) }));
}

function drawToken(token: Token, { links }: TokensList): DocumentFragment {
  try {
    const html = marked.parser(Object.assign([token], { links }));
    const drawn = DOMPurify.sanitize(html, ALLOWED);
    // A block that is markup itself is text now, and stands in a paragraph as all text does.
    return drawn.children.length > 0 ? drawn : plain(token.raw.trimEnd());
  } catch {
    return plain(token.raw);
  }
}

function plain(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  fragment.append(paragraph);
  return fragment;
}
