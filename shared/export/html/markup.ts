import { escapeHtml } from "../../platform/escape-html.ts";

/** HTML that is known to be well formed: what `markup` makes, and nothing that somebody has written. */
export interface Html {
  readonly html: string;
}

type Value = Html | string | number | undefined | false | readonly Value[];

/** HTML with values in it. Texts become text, so nothing that people write can be markup. Pure. */
export const markup = (parts: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  html: parts.map((part, index) => part + (index < values.length ? render(values[index]) : "")).join(""),
});

/** A constant of our own, as it is. */
export const constant = (text: string): Html => ({ html: text });

function render(value: Value): string {
  if (value === undefined || value === false) return "";
  if (typeof value === "string") return escapeText(value);
  if (typeof value === "number") return String(value);
  return "html" in value ? value.html : value.map(render).join("");
}

/** For text and for attributes in quotes. What no page may hold is shown as missing. */
const escapeText = (text: string): string =>
  escapeHtml(text.toWellFormed()).replace(/(?![\n\r\t])\p{Cc}/gu, "\ufffd");
