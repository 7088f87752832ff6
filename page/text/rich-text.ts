import type { Mention } from "../../shared/client/connect.ts";
import { el } from "../frame/dom.ts";
import { colourCode, dressCode } from "./code-block.ts";
import { typesetFormulas } from "./formulas.ts";
import { type Block, blocksOf } from "./markdown.ts";

/** What a text says, drawn; while it grows, what is drawn stays. */
interface Drawn {
  readonly raw: string;
  /** No more of it comes: its code has colours, and its formulas are set. */
  readonly isFinal: boolean;
  readonly nodes: readonly Node[];
}

/** Beyond it a text is shown as it was written, which takes no time to parse. */
export const RICH_CHARS_MAX = 100_000;

/** The text of a message, as Markdown. */
export function richText(text: string): HTMLElement {
  const element = el("div", { class: "text rich" });
  drawText(element, text);
  return element;
}

const drawnIn = new WeakMap<HTMLElement, Drawn[]>();

/**
 * Has the element say a text. Blocks that are as they were stay in the document, and with them a selection;
 * of a text that grows that is all but the last.
 */
export function drawText(element: HTMLElement, text: string, { isComing = false } = {}) {
  if (text.length > RICH_CHARS_MAX) {
    element.replaceChildren(el("p", { dir: "auto" }, text));
    drawnIn.delete(element);
    return;
  }
  const before = drawnIn.get(element) ?? [];
  const blocks = blocksOf(text);
  const drawn = blocks.map((block, index): Drawn => {
    // What follows a text that is coming may yet change its last block.
    const isFinal = !isComing || index < blocks.length - 1;
    const old = before[index];
    if (old?.raw === block.raw && (old.isFinal || !isFinal)) return old;
    const made = [...drawBlock(block).children];
    const nodes = old === undefined ? appended(element, made) : renewed(old.nodes, made);
    if (isFinal) finish(nodes);
    return { raw: block.raw, isFinal, nodes };
  });
  for (const { nodes } of before.slice(blocks.length))
    for (const node of nodes) node.parentNode?.removeChild(node);
  drawnIn.set(element, drawn);
}

function drawBlock({ draw }: Block): DocumentFragment {
  const fragment = draw();
  dress(fragment);
  dressCode(fragment);
  return fragment;
}

/** What is done with a block in the document once no more of it comes. */
function finish(nodes: readonly Node[]) {
  for (const node of nodes) {
    if (!(node instanceof HTMLElement)) continue;
    colourCode(node);
    typesetFormulas(node);
  }
}

function appended(element: HTMLElement, nodes: readonly Node[]): readonly Node[] {
  element.append(...nodes);
  return nodes;
}

/** Makes nodes in the document what they are to be. What is as it was stays, and with it a selection. */
function renewed(old: readonly Node[], nodes: readonly Node[]): readonly Node[] {
  const last = old.at(-1);
  const result = nodes.map((node, index) => renewNode(old[index], node));
  for (const node of old.slice(nodes.length)) node.parentNode?.removeChild(node);
  for (const [index, node] of result.entries()) {
    if (index < old.length || last === undefined) continue;
    (result[index - 1] as ChildNode).after(node);
  }
  return result;
}

function renewNode(old: Node | undefined, node: Node): Node {
  if (old === undefined) return node;
  if (old instanceof Text && node instanceof Text) {
    if (node.data.startsWith(old.data)) old.appendData(node.data.slice(old.length));
    else old.data = node.data;
    return old;
  }
  const isAlike =
    old instanceof Element &&
    node instanceof Element &&
    old.tagName === node.tagName &&
    old.className === node.className;
  if (!isAlike) {
    (old as ChildNode).replaceWith(node);
    return node;
  }
  const children = renewed([...old.childNodes], [...node.childNodes]);
  if (old.childNodes.length === 0) old.append(...children);
  return old;
}

/** Texts run in their own direction; links leave the page and say nothing of it; a wide table scrolls. */
function dress(fragment: DocumentFragment) {
  for (const block of fragment.querySelectorAll("p, li, h1, h2, h3, h4, h5, h6, blockquote, td, th"))
    block.setAttribute("dir", "auto");
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const table of fragment.querySelectorAll("table")) {
    const frame = el("div", { class: "wide", role: "region", tabIndex: 0, "aria-label": "Table" });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const box of fragment.querySelectorAll("input"))
    box.setAttribute("aria-label", box.checked ? "Done" : "To do");
}

/** Stand for a mention until the text is drawn; nobody types them. */
const OPEN = "\u{F0000}";
const CLOSE = "\u{F0001}";

/** A text in which those who are mentioned stand out, oneself the most. */
export function mentioningText(text: string, mentions: readonly Mention[], me: string): HTMLElement {
  if (mentions.length === 0) return richText(text);
  let marked = "";
  let at = 0;
  for (const [index, { start, end }] of mentions.entries()) {
    marked += `${text.slice(at, start)}${OPEN}${index}${CLOSE}`;
    at = end;
  }
  const element = richText(marked + text.slice(at));
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  while (walker.nextNode())
    if (walker.currentNode.nodeValue?.includes(OPEN)) found.push(walker.currentNode as Text);
  for (const node of found) {
    const parts = (node.nodeValue ?? "").split(new RegExp(`${OPEN}(\\d+)${CLOSE}`, "u"));
    node.replaceWith(
      ...parts.map((part, index) => {
        const mention = index % 2 === 1 ? mentions[Number(part)] : undefined;
        if (mention === undefined) return part;
        const isMe = mention.user === me || mention.user === "all";
        const said = text.slice(mention.start, mention.end);
        return el("mark", { class: "mention", ...(isMe ? { "data-me": true } : {}) }, said);
      }),
    );
  }
  return element;
}
