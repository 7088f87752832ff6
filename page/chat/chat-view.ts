import type { Api } from "../../shared/client/api.ts";
import type { Chat, Desk, Message } from "../../shared/client/connect.ts";
import type { Blocks } from "../account/blocks.ts";
import { el, fill, toast } from "../frame/dom.ts";
import { counted, listTimeOf } from "../frame/format.ts";
import { createMenu } from "../frame/menu.ts";
import { messageOf as wordsOf } from "../frame/message-of.ts";
import { isAdministrator, type People } from "../frame/people.ts";
import type { Suite } from "../frame/suite.ts";
import { showMessages } from "../messages/messages.ts";
import { openRenameDialog, openDeleteDialog, openForwardDialog } from "./chat-dialogs.ts";
import { isGroupAdmin, mayIn } from "./group-rights.ts";
import { createPinnedBar } from "./pinned-bar.ts";
import { openRulesDialog } from "./rules-dialog.ts";
import { showThread } from "./thread-panel.ts";
import { showScheduled } from "./scheduled-list.ts";
import { showGallery } from "../files/gallery.ts";
import { openSendLaterDialog } from "./send-later.ts";
import { openSettingsDialog } from "./chat-settings.ts";
import type { Chats } from "./chats.ts";
import { createComposer, messageOf } from "./composer.ts";
import { mentionable } from "./mentionable.ts";
import { openLeaveDialog, showMembers } from "./members.ts";

/** At most so many people are named as typing; the rest are counted. */
const TYPING_MAX = 3;

/** In larger groups nobody is told who is there. */
const WATCHED_MAX = 30;

export interface ChatOptions {
  readonly element: HTMLElement;
  readonly api: Api;
  readonly desk: Desk;
  readonly people: People;
  readonly blocks: Blocks;
  readonly chats: Chats;
  readonly number: number;
  /** Adds the models' controls, where there is one. */
  readonly suite: Suite | undefined;
  onGone(): void;
  onReturn(): void;
}

/** One chat: its head with what can be done to it, its messages, and where to write. */
export function showChat({
  element,
  api,
  desk,
  people,
  blocks,
  chats,
  number,
  suite,
  onGone,
  onReturn,
}: ChatOptions) {
  const { me } = desk;
  const title = el("h1", { class: "chat-title" });
  const about = el("p", { class: "chat-about" });
  const typing = el("p", { class: "typing", "aria-live": "polite" });
  const view = desk.openChat(number);
  let isLeft = false;
  /** Whether the chat has been there for this person, if only in the list. */
  let wasThere = false;

  const messages = showMessages({
    api,
    view,
    me: me.id,
    mayDeleteAny: isAdministrator(me),
    people,
    blocks,
    beginning: "The beginning of this chat",
    onThread: (root) => openThread(root),
    mayPin: () => view.chat !== undefined && mayIn(view.chat, me, "pin"),
    onReply: (message) => void reply(message),
    onForward: (message) => forward(message),
    onReturn,
  });
  const composer = createComposer({
    api,
    place: `${me.id}/${number}`,
    label: "Message",
    text: view.unsent.text,
    people: () => mentionable(view.chat, me.id, people),
    onSend(written) {
      view.send(messageOf(written));
      messages.toEnd();
    },
    onLater: (written, taken) =>
      openSendLaterDialog({ api, chat: number, message: messageOf(written), taken }),
    onWrite: view.unsent.write,
    onTyping: () => view.typing(),
    onStopTyping: () => view.stopTyping(),
    onEscape: () => messages.stop() || messages.unmark(),
  });

  let thread: ReturnType<typeof showThread> | undefined;
  const closeThread = () => {
    const root = thread?.root;
    thread?.close();
    thread = undefined;
    if (root !== undefined && !messages.focusOn(root)) composer.focus();
  };
  const openThread = (root: number) => {
    const { chat } = view;
    if (thread?.root === root || chat === undefined) return;
    thread?.close();
    thread = showThread({
      api,
      view,
      me: me.id,
      mayDeleteAny: isAdministrator(me),
      people,
      blocks,
      root,
      mayWrite: mayIn(chat, me, "write"),
      mentionable: () => mentionable(view.chat, me.id, people),
      mayPin: () => view.chat !== undefined && mayIn(view.chat, me, "pin"),
      onForward: forward,
      onClose: closeThread,
    });
    columns.append(thread.element);
    thread.begin();
  };
  const pinned = createPinnedBar({ api, view, people, onJump: (at) => void messages.jumpTo(at) });
  const readOnly = el(
    "p",
    { class: "read-only", hidden: true },
    "Only the administrators of this group write here.",
  );

  const reply = async ({ number: to, sender, text }: Message) =>
    composer.replyTo({ number: to, name: await people.nameOf(sender), text });

  const forward = (message: Message) => {
    const choices = chats.all.map((chat) => ({ chat, name: chats.nameOf(chat) }));
    openForwardDialog(choices, (to) => {
      desk.send(to, { forwardOf: { chat: number, message: message.number } });
      if (to !== number) toast("Forwarded.");
    });
  };

  const modelMenu = suite?.createModelMenu();
  if (modelMenu !== undefined) modelMenu.element.hidden = true;

  const leave = () => {
    isLeft = true;
    onGone();
  };

  const openSettings = async (chat: Chat) => {
    try {
      await openSettingsDialog(api, people, chat, desk.chats.took);
    } catch (cause) {
      toast(wordsOf(cause));
    }
  };

  const menu = createMenu("Actions for this chat", () => {
    const { chat } = view;
    if (chat === undefined) return [];
    const onChange = desk.chats.took;
    return [
      ...(mayIn(chat, me, "rename")
        ? [{ label: "Rename …", act: () => openRenameDialog(api, chat, onChange) }]
        : []),
      { label: "Settings …", act: () => void openSettings(chat) },
      { label: "Images and files …", act: () => showGallery(api, number) },
      { label: "Messages sent later …", act: () => showScheduled(api, number) },
      {
        label: "Members …",
        act: () =>
          showMembers({
            api,
            chat,
            desk,
            people,
            blocks,
            onChange,
            onLeave: leave,
          }),
      },
      ...(chat.kind === "group" && isGroupAdmin(chat, me)
        ? [{ label: "Who may do what …", act: () => openRulesDialog(api, chat, onChange) }]
        : []),
      ...chats.actionsOn(chat),
      ...(chat.kind === "group" && chat.members.includes(me.id)
        ? [{ label: "Leave …", isDangerous: true, act: () => openLeaveDialog(api, chat, me, leave) }]
        : []),
      {
        label: "Delete …",
        isDangerous: true,
        act: () => openDeleteDialog(api, chat, chats.nameOf(chat), leave),
      },
    ];
  });

  const presenceIn = (chat: Chat) => {
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
    wasThere = true;
    fill(title, chats.nameOf(chat));
    if (modelMenu?.element.hidden === true && chat.kind === "assistant") {
      modelMenu.element.hidden = false;
      modelMenu.refresh();
    }
    const members = aboutMembers(chat, people);
    const presence = presenceIn(chat);
    fill(
      about,
      presence.includes("online") && el("span", { class: "dot", "aria-hidden": true }),
      `${members}${presence} · chat ${chat.number}${chat.archived ? " · archived" : ""}`,
    );
    pinned.update();
    readOnly.hidden = mayIn(chat, me, "write");
    composer.element.hidden = !readOnly.hidden;
    const typers = view.signals.typing;
    const words =
      typers.length === 0
        ? ""
        : `${people.list(typers, TYPING_MAX)} ${typers.length === 1 ? "is" : "are"} typing …`;
    if (typing.textContent !== words) fill(typing, words);
  };

  view.on("gone", () => {
    if (isLeft) return;
    if (wasThere) {
      toast("The chat has been deleted, or you are no longer a member.");
      return leave();
    }
    fill(title, "Not here");
    fill(about, "There is no such chat.");
    composer.element.hidden = menu.hidden = true;
  });
  const keepUnsent = () => {
    view.unsent.flush(true);
    thread?.keep();
  };
  addEventListener("pagehide", keepUnsent);
  const forget = [
    () => removeEventListener("pagehide", keepUnsent),
    view.on("unsent", composer.set),
    view.on("arrival", () => {
      if (modelMenu?.element.hidden === false) modelMenu.refresh();
    }),
    view.on("change", update),
    desk.on("change", update),
    people.onChange(() => {
      update();
      composer.lookAgain();
      thread?.lookAgain();
    }),
  ];

  const columns = el(
    "div",
    { class: "chat-columns" },
    el("div", { class: "chat-column" }, pinned.element, messages.element, typing, readOnly, composer.element),
  );
  fill(
    element,
    el(
      "header",
      { class: "chat-head" },
      el("a", { class: "back", href: "#/", "aria-label": "Back to your chats" }, "←"),
      el("div", { class: "chat-titles" }, title, about),
      modelMenu?.element,
      menu,
    ),
    columns,
  );
  columns.addEventListener("dragover", (event) => event.preventDefault());
  columns.addEventListener("drop", (event) => {
    const files = event.dataTransfer?.files ?? [];
    if (files.length === 0) return;
    event.preventDefault();
    composer.attach(files);
  });
  composer.fit();
  update();
  const readPresence = async () => {
    await view.loaded();
    const others = (view.chat?.members ?? []).filter((id) => id !== me.id);
    if (others.length <= WATCHED_MAX) await desk.readPresence(others);
  };
  // Whoever comes or goes is told all the same.
  readPresence().catch(() => undefined);

  return {
    focus: () => composer.focus(),
    jumpTo: (message: number) => void messages.jumpTo(message),
    close() {
      modelMenu?.close();
      for (const stop of forget) stop();
      thread?.close();
      composer.leave();
      messages.close();
      view.close();
    },
  };
}

/** Who is in a chat, in a few words. */
function aboutMembers({ kind, model, members }: Chat, { known }: People) {
  if (kind === "direct") return "Direct";
  if (kind === "group") return counted(members.length, "member");
  const others = members.length > 1 ? `, ${counted(members.length, "member")}` : "";
  return `With ${model === undefined ? "a model" : known({ model })}${others}`;
}
