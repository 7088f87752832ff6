import { el, fill, toast } from "./dom.js";
import { listTimeOf } from "./format.js";
import { poll } from "./polling.js";
import { rove } from "./roving.js";

/** @typedef {import("./types.js").Chat} Chat */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Page<Chat>} ChatPage */

const LIMIT = 30;

/**
 * The list of the person's chats, latest activity first, a page at a time.
 *
 * @param {object} options
 * @param {HTMLElement} options.element
 * @param {import("./api.js").Api} options.api
 * @param {string} options.me
 * @param {import("./people.js").People} options.people
 * @param {() => void} options.onNew the person wants a new chat
 * @param {() => void} options.onChange
 */
export function showChats({ element, api, me, people, onNew, onChange }) {
  /** @type {Chat[]} */
  let chats = [];
  /** @type {string | null} */
  let next = null;
  let archived = false;
  let loaded = false;
  let open = 0;
  const ending = new AbortController();

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
  fill(
    element,
    el(
      "div",
      { class: "sidebar-head" },
      el("h1", {}, "Chats"),
      archive,
      el("button", { type: "button", class: "primary", onclick: onNew }, "New chat"),
    ),
    list,
    empty,
    more,
  );
  const roving = rove(list, "a", { vertical: true });

  /** @param {string | null} cursor @param {boolean} background @returns {Promise<ChatPage>} */
  const read = (cursor, background) => {
    const query = new URLSearchParams({ archived: String(archived), limit: String(LIMIT) });
    if (cursor !== null) query.set("cursor", cursor);
    return api.get(`/chats?${query}`, { background, signal: ending.signal });
  };

  /** Looks at the first page again; what lies further down moves up only by coming into it. */
  const refresh = async () => {
    const wanted = archived;
    const page = await read(null, loaded);
    if (wanted !== archived) return false;
    const isNew =
      !loaded ||
      page.data.some(({ number, revision, unreadCount }) => {
        const known = find(number);
        return known === undefined || known.revision !== revision || known.unreadCount !== unreadCount;
      });
    const numbers = new Set(page.data.map(({ number }) => number));
    const further = page.hasMore ? chats.filter(({ number }) => !numbers.has(number)) : [];
    if (!loaded || !page.hasMore) next = page.next;
    chats = [...page.data, ...further];
    loaded = true;
    if (isNew || further.length + page.data.length !== list.childElementCount) update();
    return isNew;
  };

  const loadMore = async () => {
    more.disabled = true;
    try {
      const page = await read(next, false);
      const known = new Set(chats.map(({ number }) => number));
      chats = [...chats, ...page.data.filter(({ number }) => !known.has(number))];
      next = page.next;
      const first = list.childElementCount;
      update();
      list.children[first]?.querySelector("a")?.focus();
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
    }
    more.disabled = false;
  };

  /** @param {number} number */
  const find = (number) => chats.find((chat) => chat.number === number);

  const update = () => {
    const focused = list.contains(document.activeElement)
      ? document.activeElement?.getAttribute("href")
      : null;
    fill(list, ...chats.map((chat) => drawChat(chat, chat.number === open, nameOfChat(chat, me, people))));
    roving.settle();
    if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`a[href="${focused}"]`))?.focus();
    more.hidden = next === null;
    empty.hidden = !loaded || chats.length > 0;
    fill(empty, archived ? "Nothing is archived." : "No chats yet. “New chat” starts the first one.");
    onChange();
  };

  /** Takes in a chat that has been created, changed or gone on. @param {Chat} chat */
  const put = (chat) => {
    const others = chats.filter(({ number }) => number !== chat.number);
    const shown = chat.archived === archived ? [chat, ...others] : others;
    chats = shown.sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
    update();
  };

  const switchArchive = () => {
    archived = !archived;
    archive.setAttribute("aria-pressed", String(archived));
    chats = [];
    next = null;
    loaded = false;
    update();
    polling.now();
  };

  const polling = poll({
    everyMs: 5000,
    slowestMs: 20_000,
    ask: () =>
      refresh().catch((cause) => {
        if (!loaded && !ending.signal.aborted) toast(cause.message);
        throw cause;
      }),
  });
  const forgetPeople = people.onChange(update);

  return {
    find,
    /** What a chat is called here. @param {Chat} chat */
    nameOf: (chat) => nameOfChat(chat, me, people),

    /** Marks the chat that is open. @param {number} number */
    select(number) {
      open = number;
      update();
    },

    put,

    /** @param {number} number */
    remove(number) {
      chats = chats.filter((chat) => chat.number !== number);
      update();
    },

    /** @param {number} number */
    markRead(number) {
      const chat = find(number);
      if (chat === undefined || chat.unreadCount === 0) return;
      chat.unreadCount = 0;
      update();
    },

    /** A chat has gone on, as its open view knows before the list is asked for again. @param {number} number @param {Message} newest */
    goOn(number, newest) {
      const chat = find(number);
      const known = chat?.latest?.number ?? 0;
      if (chat === undefined || newest.number < known) return;
      const updatedAt = newest.number > known ? newest.createdAt : chat.updatedAt;
      put({ ...chat, latest: newest, messagesCount: newest.number, updatedAt });
    },

    close() {
      forgetPeople();
      polling.stop();
      ending.abort();
      fill(element);
    },
  };
}

/** @param {Chat} chat @param {string} me @param {import("./people.js").People} people */
function nameOfChat(chat, me, people) {
  if (chat.title !== "") return chat.title;
  const others = chat.members.filter((id) => id !== me);
  if (others.length === 0) return `Chat ${chat.number}`;
  const names = others.slice(0, 3).map((id) => people.known({ id }) ?? "…");
  return others.length > 3 ? `${names.join(", ")} and ${others.length - 3} more` : names.join(", ");
}

/** @param {Chat} chat */
function latestOf({ latest }) {
  if (latest === undefined) return "Nothing said yet";
  return latest.text === "" ? "The latest message was deleted" : latest.text;
}

/** @param {Chat} chat @param {boolean} isOpen @param {string} name */
function drawChat(chat, isOpen, name) {
  const at = chat.latest?.createdAt ?? chat.createdAt;
  return el(
    "li",
    {},
    el(
      "a",
      { href: `#/chats/${chat.number}`, class: "chat", ...(isOpen ? { "aria-current": true } : {}) },
      el("span", { class: "chat-name" }, name),
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
