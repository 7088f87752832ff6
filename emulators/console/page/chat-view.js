import { askForTitle, askToDelete } from "./chat-dialogs.js";
import { createComposer } from "./composer.js";
import { el, fill, toast } from "./dom.js";
import { counted } from "./format.js";
import { createMenu } from "./menu.js";
import { showMessages } from "./messages.js";

/** @typedef {import("./types.js").Chat} Chat */

/**
 * One chat: its head with what can be done to it, its messages, and where to write.
 *
 * @param {object} options
 * @param {HTMLElement} options.element
 * @param {import("./api.js").Api} options.api
 * @param {string} options.me
 * @param {import("./people.js").People} options.people
 * @param {ReturnType<typeof import("./chats.js").showChats>} options.chats
 * @param {number} options.number
 * @param {() => void} options.onGone
 */
export function showChat({ element, api, me, people, chats, number, onGone }) {
  const title = el("h1", { class: "chat-title" });
  const about = el("p", { class: "chat-about" });
  let read = 0;

  const messages = showMessages({
    api,
    chat: number,
    me,
    people,
    onRead: (newest) => void markRead(newest),
    onNewest: (newest) => chats.goOn(number, newest),
  });
  const composer = createComposer(messages.send);

  /** @param {number} newest */
  const markRead = async (newest) => {
    if (newest <= read) return;
    read = newest;
    chats.markRead(number);
    await api.put(`/chats/${number}/read`, { number: newest }, { background: true }).catch(() => undefined);
  };

  /** @param {Chat} chat */
  const changed = (chat) => {
    chats.put(chat);
    update();
  };

  const setArchived = async (/** @type {Chat} */ chat) => {
    try {
      changed(await api.patch(`/chats/${number}`, { archived: !chat.archived }));
      toast(chat.archived ? "Back among your chats." : "Archived. “Archived” above the list shows it.");
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
    }
  };

  /** @type {Chat | undefined} */
  let known;
  const menu = createMenu("Actions for this chat", () => {
    const chat = known;
    if (chat === undefined) return [];
    return [
      { label: "Rename …", act: () => askForTitle(api, chat, changed) },
      { label: chat.archived ? "Bring back" : "Archive", act: () => void setArchived(chat) },
      {
        label: "Delete …",
        isDangerous: true,
        act: () =>
          askToDelete(api, chat, chats.nameOf(chat), () => {
            chats.remove(number);
            onGone();
          }),
      },
    ];
  });

  const update = () => {
    known = chats.find(number) ?? known;
    if (known === undefined) return;
    fill(title, chats.nameOf(known));
    const members = known.kind === "direct" ? "Direct" : counted(known.members.length, "member");
    fill(about, `${members} · chat ${known.number}${known.archived ? " · archived" : ""}`);
  };

  /** A chat that the list does not show, such as an archived one opened by its address. */
  const find = async () => {
    try {
      known = await api.get(`/chats/${number}`, { background: true });
      update();
    } catch (cause) {
      fill(title, "Not here");
      fill(about, /** @type {Error} */ (cause).message);
      composer.element.hidden = menu.hidden = true;
    }
  };

  fill(
    element,
    el(
      "header",
      { class: "chat-head" },
      el("a", { class: "back", href: "#/", "aria-label": "Back to your chats" }, "←"),
      el("div", { class: "chat-titles" }, title, about),
      menu,
    ),
    messages.element,
    composer.element,
  );
  update();
  if (known === undefined) void find();

  return {
    update,
    focus: () => composer.focus(),
    close: () => messages.close(),
  };
}
