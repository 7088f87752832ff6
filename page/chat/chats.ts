import type { Chat, Desk, NameSearch } from "../../shared/client/connect.ts";
import { el, fill, toast } from "../frame/dom.ts";
import { icon } from "../frame/icons.ts";
import { messageOf } from "../frame/message-of.ts";
import type { People } from "../frame/people.ts";
import { rove } from "../frame/roving.ts";
import { type Arrange, createArrange, isMuted } from "./arrange.ts";
import { drawChat, nameOfChat } from "./chat-entry.ts";
import { byOrder } from "./chat-order.ts";

const TITLE = document.title;

/** As many chats a page brings at least, where there are so many. */
const SHOWN_MIN = 10;

export interface ChatsOptions {
  readonly element: HTMLElement;
  readonly desk: Desk;
  readonly people: People;
  /** Called when the person wants a new chat. */
  onNew(): void;
  /** Called when the person wants to search messages. */
  onSearch(): void;
}

/**
 * The list of the person's chats, live: those that they have pinned in their own order, then the others, the
 * latest message first.
 */
export function showChats({ element, desk, people, onNew, onSearch }: ChatsOptions) {
  const me = desk.me.id;
  const lists = {
    all: desk.chats.list(),
    pinned: desk.chats.list({ pinned: true }),
    archived: desk.chats.list({ archived: true }),
  };
  let showsArchive = false;
  let open = 0;

  const list = el("ul", { class: "chat-list", "aria-label": "Chats" });
  const more = el(
    "button",
    { type: "button", class: "quiet more", hidden: true, onclick: () => void loadMore() },
    "Show more",
  );
  const empty = el("p", { class: "empty-list", role: "status", hidden: true });
  const archive = el(
    "button",
    {
      type: "button",
      class: "quiet",
      "aria-pressed": false,
      "aria-label": "Archived",
      title: "Archived chats",
      onclick: () => switchArchive(),
    },
    icon("archive"),
  );
  const total = el("span", { class: "total", hidden: true });
  const wanted = el("input", {
    type: "search",
    placeholder: "Find a chat",
    "aria-label": "Find a chat by its name",
    autocomplete: "off",
  });
  const search = desk.chats.search();
  /** The server finds those that are on no page that was read. */
  const ask = () => search.ask({ text: wanted.value, filter: { archived: String(showsArchive) } });
  wanted.addEventListener("input", () => {
    ask();
    update();
  });
  fill(
    element,
    el(
      "div",
      { class: "sidebar-head" },
      el("h1", {}, "Chats"),
      total,
      archive,
      el("button", { type: "button", class: "primary", onclick: onNew }, "New chat"),
    ),
    el(
      "div",
      { class: "find", role: "search" },
      wanted,
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          title: "Search all messages",
          "aria-haspopup": "dialog",
          "aria-keyshortcuts": "/",
          onclick: onSearch,
        },
        "Messages ",
        el("kbd", {}, "/"),
      ),
    ),
    list,
    empty,
    more,
  );
  const roving = rove(list, "a", { vertical: true });

  const current = () => (showsArchive ? lists.archived : lists.all);
  const pinned = () => lists.pinned.chats.filter(({ archived }) => !archived).sort(byOrder);
  /** Pinned ones may be on no page of all chats that was read. */
  const inSight = () => [...pinned(), ...lists.all.chats.filter((chat) => !chat.archived && !chat.pinned)];
  const shown = () => (showsArchive ? lists.archived.chats : inSight());

  const arrange = createArrange({
    desk,
    pinned,
    onMarkedUnread() {
      location.hash = "#/";
    },
  });
  dragPinned(list, arrange);
  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const chat = desk.chats.get(numberOf(event.target));
    if (!event.altKey || by === undefined || chat === undefined) return;
    event.preventDefault();
    arrange.move(chat, by as -1 | 1);
  });

  const nameOf = (chat: Chat) => nameOfChat(chat, me, people);

  const isSought = () => wanted.value.trim() !== "";

  const loadPage = async (before: number) => {
    if (isSought()) return search.loadMore();
    const reading = current();
    // A page of all chats may hold hardly any but archived ones.
    do await reading.loadMore();
    while (reading.hasMore && shown().length < before + SHOWN_MIN);
  };

  const loadMore = async () => {
    more.disabled = true;
    const before = list.childElementCount;
    try {
      await loadPage(before);
      update();
      if (before > 0) list.children[before]?.querySelector("a")?.focus();
    } catch (cause) {
      toast(messageOf(cause));
    }
    more.disabled = false;
  };

  const loadPinned = async () => {
    try {
      do await lists.pinned.loadMore();
      while (lists.pinned.hasMore);
    } catch (cause) {
      toast(messageOf(cause));
    }
  };

  /** What each line showed when it was drawn. */
  const drawn = new Map<number, { appearance: string; line: HTMLElement }>();

  const draw = (chat: Chat) => {
    const isOnline =
      chat.kind === "direct" && chat.members.some((id) => id !== me && desk.presenceOf(id)?.online);
    const look = { isOpen: chat.number === open, name: nameOf(chat), isOnline };
    const { latest, latestAt, unreadCount, mentioned, markedUnread, pinned: isPinned, draft } = chat;
    const own = [unreadCount, mentioned, markedUnread, isPinned, isMuted(chat), draft?.text];
    const appearance = [...Object.values(look), latest?.text, latestAt, ...own].join("|");
    const known = drawn.get(chat.number);
    if (known?.appearance === appearance) return known.line;
    const line = drawChat(chat, look);
    drawn.set(chat.number, { appearance, line });
    return line;
  };

  const showTotal = () => {
    const count = desk.chats.unreadTotal ?? 0;
    total.hidden = count === 0;
    fill(total, String(count), el("span", { class: "only-heard" }, " unread in all chats"));
    document.title = count === 0 ? TITLE : `(${count}) ${TITLE}`;
  };

  /** What is known here is there at once, whatever the server takes; each as it is by now. */
  const sought = () => {
    const text = wanted.value.trim().toLocaleLowerCase();
    const here = shown().filter((chat) => nameOf(chat).toLocaleLowerCase().includes(text));
    const numbers = new Set(here.map(({ number }) => number));
    const others = search.found.data
      .filter(({ number }) => !numbers.has(number))
      .map((chat) => desk.chats.get(chat.number) ?? chat);
    return [...here, ...others];
  };

  const update = () => {
    const { isLoaded, hasMore } = current();
    const found = isSought() ? sought() : shown();
    const focused = list.contains(document.activeElement)
      ? document.activeElement?.getAttribute("href")
      : null;
    fill(list, ...found.map(draw));
    roving.settle();
    if (focused) list.querySelector<HTMLElement>(`a[href="${focused}"]`)?.focus();
    more.hidden = isSought() ? !search.found.hasMore : !isLoaded || !hasMore;
    empty.hidden = !isLoaded || found.length > 0;
    fill(empty, isSought() ? wordsOfSearch(search) : wordsOfNothing(showsArchive));
    showTotal();
  };

  const switchArchive = () => {
    showsArchive = !showsArchive;
    archive.setAttribute("aria-pressed", String(showsArchive));
    ask();
    update();
    if (!current().isLoaded) void loadMore();
  };

  const forget = [
    ...Object.values(lists).map((each) => each.on("change", update)),
    people.onChange(update),
    search.on("change", update),
    search.close,
  ];
  void loadMore();
  void loadPinned();

  return {
    /** The entries of a chat's menu that arrange it for the person alone. */
    actionsOn: arrange.actionsOn,
    /** What a chat is called here. */
    nameOf,
    nameOfNumber(number: number) {
      const chat = desk.chats.get(number);
      return chat === undefined ? `Chat ${number}` : nameOf(chat);
    },
    /** The chats that can be seen. */
    get all() {
      return inSight();
    },
    /** Marks the chat that is open. */
    select(number: number) {
      open = number;
      update();
    },
    close() {
      for (const leave of forget) leave();
      for (const each of Object.values(lists)) each.close();
      fill(element);
      document.title = TITLE;
    },
  };
}

export type Chats = ReturnType<typeof showChats>;

const wordsOfNothing = (isOfArchive: boolean) =>
  isOfArchive ? "Nothing is archived." : "No chats yet. “New chat” starts the first one.";

function wordsOfSearch({ isSearching, error }: Pick<NameSearch<Chat>, "isSearching" | "error">) {
  if (error !== undefined) return messageOf(error);
  return isSearching ? "Searching …" : "No chat is called that.";
}

const numberOf = (target: EventTarget | null) =>
  Number((target instanceof Element ? target.closest("li") : null)?.dataset["chat"] ?? 0);

/** Lets pinned chats be dragged to another place among them. */
function dragPinned(list: HTMLElement, arrange: Arrange) {
  let dragged = 0;
  const clear = () => {
    for (const line of list.querySelectorAll("[data-drop]")) line.removeAttribute("data-drop");
  };
  /** The pinned chat under the pointer, and whether the pointer is in its lower half. */
  const targetOf = (event: DragEvent) => {
    const line = event.target instanceof Element ? event.target.closest<HTMLElement>("li[draggable]") : null;
    if (dragged === 0 || line === null) return undefined;
    const { top, height } = line.getBoundingClientRect();
    return { line, isBelow: event.clientY > top + height / 2 };
  };
  list.addEventListener("dragstart", (event) => {
    dragged = numberOf(event.target);
    event.dataTransfer?.setData("text/plain", String(dragged));
  });
  list.addEventListener("dragover", (event) => {
    const target = targetOf(event);
    clear();
    if (target === undefined) return;
    event.preventDefault();
    target.line.dataset["drop"] = target.isBelow ? "below" : "above";
  });
  list.addEventListener("drop", (event) => {
    const target = targetOf(event);
    if (target === undefined) return;
    event.preventDefault();
    const next = target.isBelow ? target.line.nextElementSibling : target.line;
    const before = next?.matches("li[draggable]") === true ? numberOf(next) : undefined;
    if (before !== dragged && numberOf(target.line) !== dragged) arrange.place(dragged, before);
  });
  list.addEventListener("dragend", () => {
    dragged = 0;
    clear();
  });
}
