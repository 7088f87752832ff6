import type { Chat, Desk } from "../../shared/client/connect.ts";
import { el, fill, toast } from "../frame/dom.ts";
import { listTimeOf } from "../frame/format.ts";
import { messageOf } from "../frame/message-of.ts";
import type { People } from "../frame/people.ts";
import { rove } from "../frame/roving.ts";

export interface ChatsOptions {
  readonly element: HTMLElement;
  readonly desk: Desk;
  readonly people: People;
  /** Called when the person wants a new chat. */
  onNew(): void;
  /** Called when the person wants to search messages. */
  onSearch(): void;
}

/** The list of the person's chats, latest activity first, live. */
export function showChats({ element, desk, people, onNew, onSearch }: ChatsOptions) {
  const me = desk.me.id;
  const lists = { false: desk.chats.list({ archived: false }), true: desk.chats.list({ archived: true }) };
  let archived = false;
  let open = 0;

  const list = el("ul", { class: "chat-list" });
  const more = el(
    "button",
    { type: "button", class: "quiet more", hidden: true, onclick: () => void loadMore() },
    "Show more",
  );
  const empty = el("p", { class: "empty-list", hidden: true });
  const archive = el(
    "button",
    { type: "button", class: "quiet", "aria-pressed": false, onclick: () => switchArchive() },
    "Archived",
  );
  const wanted = el("input", {
    type: "search",
    placeholder: "Find a chat",
    "aria-label": "Find a chat by its name",
    autocomplete: "off",
  });
  wanted.addEventListener("input", () => update());
  fill(
    element,
    el(
      "div",
      { class: "sidebar-head" },
      el("h1", {}, "Chats"),
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

  const current = () => lists[archived ? "true" : "false"];

  const nameOf = (chat: Chat) => nameOfChat(chat, me, people);

  const loadMore = async () => {
    more.disabled = true;
    const before = list.childElementCount;
    try {
      await current().loadMore();
      update();
      if (before > 0) list.children[before]?.querySelector("a")?.focus();
    } catch (cause) {
      toast(messageOf(cause));
    }
    more.disabled = false;
  };

  /** What each line showed when it was drawn. */
  const drawn = new Map<number, { appearance: string; line: HTMLElement }>();

  const draw = (chat: Chat) => {
    const name = nameOf(chat);
    const isOnline =
      chat.kind === "direct" && chat.members.some((id) => id !== me && desk.presenceOf(id)?.online);
    const appearance = [
      name,
      chat.latest?.text,
      chat.latestAt,
      chat.unreadCount,
      chat.number === open,
      isOnline,
    ].join("|");
    const known = drawn.get(chat.number);
    if (known?.appearance === appearance) return known.line;
    const line = drawChat(chat, { isOpen: chat.number === open, name, isOnline });
    drawn.set(chat.number, { appearance, line });
    return line;
  };

  const update = () => {
    const { chats, isLoaded, hasMore } = current();
    const focused = list.contains(document.activeElement)
      ? document.activeElement?.getAttribute("href")
      : null;
    const search = wanted.value.trim().toLocaleLowerCase();
    const shown = chats.filter((chat) => nameOf(chat).toLocaleLowerCase().includes(search));
    fill(list, ...shown.map(draw));
    roving.settle();
    if (focused) list.querySelector<HTMLElement>(`a[href="${focused}"]`)?.focus();
    more.hidden = !isLoaded || !hasMore;
    empty.hidden = !isLoaded || shown.length > 0;
    const nothing = archived ? "Nothing is archived." : "No chats yet. “New chat” starts the first one.";
    fill(empty, search === "" ? nothing : "No chat is called that.");
  };

  const switchArchive = () => {
    archived = !archived;
    archive.setAttribute("aria-pressed", String(archived));
    update();
    if (!current().isLoaded) void loadMore();
  };

  const forget = [lists.false.on("change", update), lists.true.on("change", update), people.onChange(update)];
  void loadMore();

  return {
    /** What a chat is called here. */
    nameOf,
    nameOfNumber(number: number) {
      const chat = desk.chats.get(number);
      return chat === undefined ? `Chat ${number}` : nameOf(chat);
    },
    /** The chats that can be seen. */
    get all() {
      return lists.false.chats;
    },
    /** Marks the chat that is open. */
    select(number: number) {
      open = number;
      update();
    },
    close() {
      for (const leave of forget) leave();
      lists.false.close();
      lists.true.close();
      fill(element);
    },
  };
}

export type Chats = ReturnType<typeof showChats>;

function nameOfChat(chat: Chat, me: string, people: People) {
  if (chat.title !== "") return chat.title;
  const others = chat.members.filter((id) => id !== me);
  if (others.length === 0) return `${chat.kind === "assistant" ? "Assistant" : "Chat"} ${chat.number}`;
  const names = others.slice(0, 3).map((id) => people.known({ id }) ?? "…");
  return others.length > 3 ? `${names.join(", ")} and ${others.length - 3} more` : names.join(", ");
}

function latestOf({ latest }: Chat) {
  if (latest === undefined) return "Nothing said yet";
  return latest.text === "" ? "The latest message was deleted" : latest.text;
}

function drawChat(
  chat: Chat,
  { isOpen, name, isOnline }: { isOpen: boolean; name: string; isOnline: boolean },
) {
  const at = chat.latest?.createdAt ?? chat.createdAt;
  return el(
    "li",
    {},
    el(
      "a",
      { href: `#/chats/${chat.number}`, class: "chat", ...(isOpen ? { "aria-current": true } : {}) },
      el(
        "span",
        { class: "chat-name" },
        isOnline && el("span", { class: "dot", role: "img", "aria-label": "online" }),
        name,
      ),
      el("time", { dateTime: at }, listTimeOf(at)),
      el("span", { class: "chat-latest" }, latestOf(chat)),
      chat.unreadCount > 0 &&
        el(
          "span",
          { class: "unread" },
          String(chat.unreadCount),
          el("span", { class: "only-heard" }, " unread"),
        ),
    ),
  );
}
