import { askForTitle, askToDelete, askWhereTo } from "./chat-dialogs.js";
import { createComposer } from "./composer.js";
import { el, fill, toast } from "./dom.js";
import { counted, listTimeOf } from "./format.js";
import { askToLeave, showMembers } from "./members.js";
import { createMenu } from "./menu.js";
import { showMessages } from "./messages.js";
import { isAdministrator } from "./people.js";

/** @typedef {import("./types.js").Chat} Chat */
/** @typedef {import("./types.js").Message} Message */

/** Names of those who type beyond these are counted. */
const TYPING_MAX = 3;

/**
 * One chat: its head with what can be done to it, its messages, and where to write.
 *
 * @param {object} options
 * @param {HTMLElement} options.element
 * @param {import("./types.js").Api} options.api
 * @param {import("./types.js").Desk} options.desk
 * @param {import("./people.js").People} options.people
 * @param {import("./chats.js").Chats} options.chats
 * @param {number} options.number
 * @param {import("./models.js").Models | undefined} options.models where they can be looked after
 * @param {() => void} options.onGone
 * @param {() => void} options.onReturn
 */
export function showChat({ element, api, desk, people, chats, number, models, onGone, onReturn }) {
  const { me } = desk;
  const title = el("h1", { class: "chat-title" });
  const about = el("p", { class: "chat-about" });
  const typing = el("p", { class: "typing", "aria-live": "polite" });
  const view = desk.openChat(number);
  let isLeft = false;

  const messages = showMessages({
    api,
    view,
    me: me.id,
    mayDeleteAny: isAdministrator(me),
    people,
    onReply: (message) => void reply(message),
    onForward: (message) => forward(message),
    onReturn,
  });
  const composer = createComposer({
    onSend(text, replyTo) {
      view.send({ text, ...(replyTo === undefined ? {} : { replyTo }) });
      messages.toEnd();
    },
    onTyping: () => view.typing(),
    onEscape: () => messages.stop() || messages.unmark(),
  });

  /** @param {Message} message */
  const reply = async ({ number: to, sender, text }) =>
    composer.replyTo({ number: to, name: await people.nameOf(sender), text });

  /** @param {Message} message */
  const forward = (message) => {
    const choices = chats.all.map((chat) => ({ chat, name: chats.nameOf(chat) }));
    askWhereTo(choices, (to) => {
      desk.send(to, { forwardOf: { chat: number, message: message.number } });
      if (to !== number) toast("Forwarded.");
    });
  };

  const aboutModels = models?.menu();
  if (aboutModels !== undefined) aboutModels.element.hidden = true;

  const leave = () => {
    isLeft = true;
    onGone();
  };

  /** @param {Chat} chat */
  const setArchived = async (chat) => {
    try {
      desk.chats.took(await api.patch(`/chats/${number}`, { archived: !chat.archived }));
      toast(chat.archived ? "Back among your chats." : "Archived. “Archived” above the list shows it.");
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
    }
  };

  const menu = createMenu("Actions for this chat", () => {
    const { chat } = view;
    if (chat === undefined) return [];
    const onChange = desk.chats.took;
    return [
      { label: "Rename …", act: () => askForTitle(api, chat, onChange) },
      { label: "Members …", act: () => showMembers({ api, chat, me, people, onChange, onLeave: leave }) },
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

  /** @param {Chat} chat */
  const presenceIn = (chat) => {
    const others = chat.members.filter((id) => id !== me.id);
    const there = others.filter((id) => desk.presenceOf(id)?.online);
    if (chat.kind !== "direct") return there.length === 0 ? "" : ` · ${there.length} online`;
    if (there.length > 0) return " · online";
    const lastSeenAt = desk.presenceOf(others[0] ?? "")?.lastSeenAt;
    return typeof lastSeenAt === "string" ? ` · last seen ${listTimeOf(lastSeenAt)}` : "";
  };

  const update = () => {
    const { chat } = view;
    if (chat === undefined) return;
    fill(title, chats.nameOf(chat));
    if (aboutModels?.element.hidden === true && chat.kind === "assistant") {
      aboutModels.element.hidden = false;
      aboutModels.look();
    }
    const members = aboutMembers(chat);
    const presence = presenceIn(chat);
    fill(
      about,
      presence.includes("online") && el("span", { class: "dot", "aria-hidden": true }),
      `${members}${presence} · chat ${chat.number}${chat.archived ? " · archived" : ""}`,
    );
    const typers = view.signals.typing;
    const words =
      typers.length === 0
        ? ""
        : `${people.list(typers, TYPING_MAX)} ${typers.length === 1 ? "is" : "are"} typing …`;
    if (typing.textContent !== words) fill(typing, words);
  };

  view.on("gone", () => {
    if (isLeft) return;
    if (view.isLoaded) {
      toast("The chat has been deleted, or you are no longer a member.");
      return leave();
    }
    fill(title, "Not here");
    fill(about, "There is no such chat.");
    composer.element.hidden = menu.hidden = true;
  });
  const forget = [
    view.on("arrival", () => {
      if (aboutModels?.element.hidden === false) aboutModels.look();
    }),
    view.on("change", update),
    desk.on("change", update),
    people.onChange(update),
  ];

  fill(
    element,
    el(
      "header",
      { class: "chat-head" },
      el("a", { class: "back", href: "#/", "aria-label": "Back to your chats" }, "←"),
      el("div", { class: "chat-titles" }, title, about),
      aboutModels?.element,
      menu,
    ),
    messages.element,
    typing,
    composer.element,
  );
  update();

  return {
    focus: () => composer.focus(),
    /** @param {number} message */
    jumpTo: (message) => void messages.jumpTo(message),
    close() {
      aboutModels?.close();
      for (const stop of forget) stop();
      messages.close();
      view.close();
    },
  };
}

/** Who is in it, in a word. @param {Chat} chat */
function aboutMembers({ kind, model, members }) {
  if (kind === "direct") return "Direct";
  if (kind === "group") return counted(members.length, "member");
  const people = members.length > 1 ? `, ${counted(members.length, "member")}` : "";
  return `With ${model ?? "a model"}${people}`;
}
