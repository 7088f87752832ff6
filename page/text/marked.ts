import { Marked, type RendererObject } from "marked";
import { escaped, footnoteMark, footnoteText, mathBlock, mathInline } from "./markdown-extensions.ts";

/** Addresses that a text may lead to. */
export const ADDRESS = /^(?:https?:\/\/|mailto:)/i;

/**
 * A picture from elsewhere would tell its server who reads, and the page does not load it: a link stands
 * there.
 */
const linkTo = (href: string, title: string | null | undefined, inner: string): string =>
  ADDRESS.test(href)
    ? `<a href="${escaped(href)}"${title ? ` title="${escaped(title)}"` : ""}>${inner}</a>`
    : inner;

const renderer: RendererObject = {
  html: ({ text }) => escaped(text),
  link({ href, title, tokens }) {
    return linkTo(href, title, this.parser.parseInline(tokens));
  },
  image: ({ href, title, text }) => linkTo(href, title, escaped(text === "" ? href : text)),
  checkbox: ({ checked }) => `<input type="checkbox" disabled${checked ? " checked" : ""}> `,
};

/** Parses Markdown as GitHub has it, with footnotes and formulas. What is markup in a text is text. */
export const marked = new Marked({
  gfm: true,
  renderer,
  extensions: [mathBlock, mathInline, footnoteText, footnoteMark],
});
