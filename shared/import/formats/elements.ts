import type { Found } from "../found.ts";
import { isChatGpt, parseChatGpt } from "./chatgpt.ts";
import { isClaude, parseClaude } from "./claude.ts";
import { isLibreChat, parseLibreChat } from "./librechat.ts";
import { isOpenWebUi, parseOpenWebUi } from "./open-webui.ts";
import { guessMapping, isChatObject, parseChatObject, parseRow, type RowOf } from "./rows.ts";
import { isFields } from "./values.ts";

/** The products whose exports are recognised by what an element of them has in it. */
const PRODUCTS = [
  { format: "chatgpt", is: isChatGpt, parse: parseChatGpt },
  { format: "claude", is: isClaude, parse: parseClaude },
  { format: "openwebui", is: isOpenWebUi, parse: parseOpenWebUi },
  { format: "librechat", is: isLibreChat, parse: parseLibreChat },
] as const;

export type ElementFormat = (typeof PRODUCTS)[number]["format"] | "jsonl";

/** What an element is of; undefined for what nobody's export has. */
export function formatOf(value: unknown): ElementFormat | undefined {
  const product = PRODUCTS.find(({ is }) => is(value));
  if (product !== undefined) return product.format;
  if (isChatObject(value)) return "jsonl";
  return isFields(value) && guessMapping(Object.keys(value)) !== undefined ? "jsonl" : undefined;
}

/** A conversation or a message out of JSON: an element of a list, or a line. */
export function parseElement(value: unknown, entry: string, of: RowOf): Found {
  const where = `${entry}${entry === "" ? "" : " "}#${of.row}`;
  const product = PRODUCTS.find(({ is }) => is(value));
  if (product !== undefined) return product.parse(value, where);
  if (isChatObject(value)) return parseChatObject(value, of);
  const mapping = isFields(value) ? guessMapping(Object.keys(value)) : undefined;
  if (isFields(value) && mapping !== undefined) return parseRow(value, mapping, of);
  return { chats: [], left: [{ where, what: "row", why: "it is no conversation and no message" }] };
}
