import type { Desk } from "../../shared/client/connect.ts";
import type { Hit, Search } from "../../shared/client/search.ts";
import type { Chats } from "../chat/chats.ts";
import { el, fill } from "../frame/dom.ts";
import { counted, listTimeOf } from "../frame/format.ts";
import type { People } from "../frame/people.ts";

/** The API's limit for a query. */
const QUERY_CHARS_MAX = 500;
const LIST = "search-hits";

export interface SearchBoxOptions {
  readonly desk: Desk;
  readonly people: People;
  readonly chats: Chats;
  /** The chat that is open; 0 for none. */
  open(): number;
  onChoose(chat: number, message: number): void;
}

/**
 * Searches as one types, in all chats or the open one. The field keeps the focus: arrow keys choose a hit,
 * Enter goes to it, Escape closes the box.
 */
export function createSearchBox({ desk, people, chats, open, onChoose }: SearchBoxOptions) {
  const search = desk.openSearch();
  let chosen = 0;
  let scope: number | undefined;

  const field = el("input", {
    type: "search",
    name: "search",
    placeholder: "Search messages",
    "aria-label": "Search messages",
    role: "combobox",
    "aria-expanded": true,
    "aria-controls": LIST,
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: false,
    maxLength: QUERY_CHARS_MAX,
  });
  const here = el("input", { type: "checkbox", name: "here" });
  const hereLabel = el("label", { class: "search-scope" }, here, el("span", {}, "Only in this chat"));
  const list = el("ul", { class: "search-hits", id: LIST, role: "listbox", "aria-label": "Found messages" });
  const status = el("p", { class: "search-status", role: "status" });
  const dialog = el(
    "dialog",
    { class: "search-box", "aria-label": "Search" },
    el("div", { class: "search-head" }, field, hereLabel),
    list,
    el(
      "div",
      { class: "search-foot" },
      status,
      el("p", { class: "search-keys", "aria-hidden": true }, "↑ ↓ choose · Enter shows it · Esc"),
    ),
  );
  document.body.append(dialog);

  const searchNow = () => {
    chosen = 0;
    search.ask({ text: field.value, chat: here.checked ? scope : undefined });
  };
  field.addEventListener("input", searchNow);
  here.addEventListener("change", () => {
    searchNow();
    field.focus();
  });

  const choose = (at: number) => {
    const last = search.hits.length - 1;
    chosen = Math.min(Math.max(at, 0), Math.max(last, 0));
    mark();
    if (chosen >= last - 2 && search.hasMore) void search.loadMore().catch(() => undefined);
  };

  const mark = () => {
    [...list.children].forEach((line, at) => line.setAttribute("aria-selected", String(at === chosen)));
    const line = list.children[chosen];
    if (line === undefined) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", line.id);
      line.scrollIntoView({ block: "nearest" });
    }
  };

  const go = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    dialog.close();
    onChoose(hit.chat, hit.message.number);
  };

  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      // Browsers would empty the field first.
      event.preventDefault();
      dialog.close();
      return;
    }
    if (event.key === "Enter") {
      event.preventDefault();
      // The hits may still be those of an earlier text.
      if (!search.isSearching) go(search.hits[chosen]);
      return;
    }
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  });
  // A click beside the box leaves it, as Escape does.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  let drawn = search.hits;
  const update = () => {
    if (drawn !== search.hits) {
      drawn = search.hits;
      fill(list, ...drawn.map((hit, at) => drawHit(hit, at, { people, chats, go })));
      mark();
    }
    dialog.dataset["busy"] = String(search.isSearching);
    fill(status, statusOf(search));
  };
  const forget = [search.on("change", update), people.onChange(() => update())];

  const show = () => {
    if (document.querySelector("dialog[open]") !== null) return;
    scope = open() === 0 ? undefined : open();
    hereLabel.hidden = scope === undefined;
    if (scope === undefined) here.checked = false;
    update();
    dialog.showModal();
    field.select();
    if (field.value !== "") searchNow();
  };
  const ending = new AbortController();
  addEventListener(
    "keydown",
    (event) => {
      const isWriting =
        event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      const isSlash = event.key === "/" && !isWriting && !event.ctrlKey && !event.metaKey && !event.altKey;
      const isK = event.key === "k" && (event.ctrlKey || event.metaKey);
      if (event.defaultPrevented || !(isSlash || isK)) return;
      event.preventDefault();
      show();
    },
    { signal: ending.signal },
  );

  return {
    show,
    close() {
      ending.abort();
      for (const leave of forget) leave();
      search.close();
      dialog.remove();
    },
  };
}

function statusOf({ asked, hits, hasMore, isPartial, isSearching, error }: Search) {
  if (error !== undefined) return (error as Error).message;
  if (isSearching && hits.length === 0) return "Searching …";
  if (asked.text === "") return "Any part of any word, or “a phrase” in quotes.";
  const partial = isPartial ? " The search is not complete: the index is behind, or can’t be asked." : "";
  if (hits.length === 0) return `Nothing found for “${asked.text}”.${partial}`;
  return `${hasMore ? "The best " : ""}${counted(hits.length, "message")}.${partial}`;
}

function drawHit(
  hit: Hit,
  at: number,
  { people, chats, go }: { people: People; chats: Chats; go: (hit: Hit) => void },
) {
  const { message } = hit;
  return el(
    "li",
    { class: "hit", role: "option", id: `hit-${at}`, "aria-selected": false, onclick: () => go(hit) },
    el(
      "span",
      { class: "hit-head" },
      el("b", {}, chats.nameOfNumber(hit.chat)),
      el("span", {}, people.known(message.sender) ?? "…"),
      el("time", { dateTime: message.createdAt }, listTimeOf(message.createdAt)),
    ),
    el("span", { class: "hit-text" }, ...snippetOf(hit)),
  );
}

/** The snippet with the found parts marked. The ranges count from the beginning of the whole text. */
export function snippetOf({ snippet, snippetStart, highlights, message }: Hit): (string | Node)[] {
  const end = snippetStart + snippet.length;
  const parts: (string | Node)[] = snippetStart > 0 ? ["… "] : [];
  let at = 0;
  for (const range of highlights) {
    const from = Math.max(range.start - snippetStart, at);
    const to = Math.min(range.end - snippetStart, snippet.length);
    if (to <= from) continue;
    parts.push(snippet.slice(at, from), el("mark", {}, snippet.slice(from, to)));
    at = to;
  }
  parts.push(snippet.slice(at));
  if (end < message.text.length) parts.push(" …");
  return parts;
}
