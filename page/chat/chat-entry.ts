import type { Chat } from "../../shared/client/connect.ts";
import { el } from "../frame/dom.ts";
import { listTimeOf } from "../frame/format.ts";
import { icon } from "../frame/icons.ts";
import type { People } from "../frame/people.ts";
import { lineOf } from "../text/line-of.ts";
import { isMuted } from "./arrange.ts";

/** What a chat is called: by its title, or else by who is in it. */
export function nameOfChat(chat: Chat, me: string, people: People) {
  if (chat.title !== "") return chat.title;
  const others = chat.members.filter((id) => id !== me);
  if (others.length === 0) return `${chat.kind === "assistant" ? "Assistant" : "Chat"} ${chat.number}`;
  const names = others.slice(0, 3).map((id) => people.known({ id }) ?? "…");
  return others.length > 3 ? `${names.join(", ")} and ${others.length - 3} more` : names.join(", ");
}

function latestOf({ latest }: Chat) {
  if (latest === undefined) return "Nothing said yet";
  return latest.text === "" ? "The latest message was deleted" : lineOf(latest.text);
}

interface Look {
  readonly isOpen: boolean;
  readonly name: string;
  readonly isOnline: boolean | undefined;
}

/** A chat as the list shows it. */
export function drawChat(chat: Chat, { isOpen, name, isOnline }: Look) {
  const at = chat.latest?.createdAt ?? chat.createdAt;
  return el(
    "li",
    { "data-chat": chat.number, ...(chat.pinned ? { draggable: true } : {}) },
    el(
      "a",
      {
        href: `#/chats/${chat.number}`,
        class: "chat",
        draggable: false,
        ...(isOpen ? { "aria-current": true } : {}),
        ...(chat.pinned ? { "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown" } : {}),
      },
      el(
        "span",
        { class: "chat-name" },
        isOnline === true && el("span", { class: "dot", role: "img", "aria-label": "online" }),
        name,
      ),
      el(
        "span",
        { class: "chat-when" },
        isMuted(chat) && icon("muted", "muted"),
        chat.pinned && icon("pin", "pinned"),
        el("time", { dateTime: at }, listTimeOf(at)),
      ),
      el("span", { class: "chat-latest" }, ...saidIn(chat, isOpen)),
      ...badgesOf(chat),
    ),
  );
}

/** What the person has begun to write, or else what was said last. */
function saidIn(chat: Chat, isOpen: boolean) {
  const { draft } = chat;
  if (draft === undefined || draft.text.trim() === "" || isOpen) return [latestOf(chat)];
  return [el("b", { class: "begun" }, "Draft: "), draft.text];
}

function badgesOf({ mentioned, unreadCount, markedUnread, ...chat }: Chat) {
  const isQuiet = isMuted({ mentioned, unreadCount, markedUnread, ...chat });
  const heard = (text: string) => el("span", { class: "only-heard" }, text);
  return [
    el(
      "span",
      { class: "badges" },
      mentioned &&
        el("span", { class: "unread mentioned", title: "Mentions you" }, "@", heard(" mentions you")),
      unreadCount > 0 &&
        el("span", { class: "unread", "data-quiet": isQuiet }, String(unreadCount), heard(" unread")),
      unreadCount === 0 && markedUnread && el("span", { class: "unread marked" }, heard("marked as unread")),
    ),
  ];
}
