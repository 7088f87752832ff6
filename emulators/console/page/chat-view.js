import { askForTitle, askToDelete } from "./chat-dialogs.js";
import { createComposer } from "./composer.js";
import { el, fill, toast } from "./dom.js";
import { counted } from "./format.js";
import { askToLeave, showMembers } from "./members.js";
import { createMenu } from "./menu.js";
import { showMessages } from "./messages.js";
import { isAdministrator } from "./people.js";
import { followReads } from "./reads.js";

/** @typedef {import("./types.js").Chat} Chat */

/**
 * One chat: its head with what can be done to it, its messages, and where to write.
 *
 * @param {object} options
 * @param {HTMLElement} options.element
 * @param {import("./api.js").Api} options.api
 * @param {import("./types.js").User} options.me
 * @param {import("./people.js").People} options.people
 * @param {ReturnType<typeof import("./chats.js").showChats>} options.chats
 * @param {number} options.number
 * @param {() => void} options.onGone
 */
export function showChat({ element, api, me, people, chats, number, onGone }) {
  const title = el("h1", { class: "chat-title" });
  const about = el("p", { class: "chat-about" });
  let read = 0;
  /** @type {Chat | undefined} */
  let known;

  const reads = followReads({
    api,
    chat: number,
    me: me.id,
    people,
    membersOf: () => known?.members ?? [],
    onChange: () => messages.update(),
  });
  const messages = showMessages({
    api,
    chat: number,
    me: me.id,
    mayDeleteAny: isAdministrator(me),
    people,
    seenBy: (newest) => reads.seenBy(newest),
    onRead: (newest) => void markRead(newest),
    onNewest: (newest) => {
      chats.goOn(number, newest);
      reads.follow(newest);
    },
    onGone: () => {
      toast("The chat has been deleted, or you are no longer a member.");
      leave();
    },
  });
  const composer = createComposer(messages.send);

  const leave = () => {
    chats.remove(number);
    onGone();
  };

  /** @param {import("./types.js").Message} newest */
  const markRead = async ({ number: newest, sender }) => {
    if (newest <= read) return;
    const before = read;
    read = newest;
    chats.markRead(number);
    // Who wrote the newest message counts as having read up to it.
    if ("id" in sender && sender.id === me.id) return;
    try {
      await api.put(`/chats/${number}/read`, { number: newest }, { background: true });
    } catch {
      if (read === newest) read = before;
    }
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

  const menu = createMenu("Actions for this chat", () => {
    const chat = known;
    if (chat === undefined) return [];
    return [
      { label: "Rename …", act: () => askForTitle(api, chat, changed) },
      {
        label: "Members …",
        act: () => showMembers({ api, chat, me, people, onChange: changed, onLeave: leave }),
      },
      { label: chat.archived ? "Bring back" : "Archive", act: () => void setArchived(chat) },
      ...(chat.kind === "group" && chat.members.includes(me.id)
        ? [{ label: "Leave …", isDangerous: true, act: () => askToLeave(api, chat, me, leave) }]
        : []),
      {
        label: "Delete …",
        isDangerous: true,
        act: () => askToDelete(api, chat, chats.nameOf(chat), leave),
      },
    ];
  });

  const update = () => {
    const before = known?.members.length;
    known = chats.find(number) ?? known;
    if (known === undefined) return;
    if (known.members.length !== before) reads.lookAgain();
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
    close() {
      reads.stop();
      messages.close();
    },
  };
}
