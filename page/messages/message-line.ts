import type { ChatView } from "../../shared/client/chat-view.ts";
import type { Message } from "../../shared/client/connect.ts";
import type { Draft } from "../../shared/client/outbox.ts";
import { aboveAnswer, belowAnswer, comingText, isAnswer, isComing } from "../answers/answer-line.ts";
import { el } from "../frame/dom.ts";
import { counted, dayOf, exactTimeOf, listTimeOf, timeOf } from "../frame/format.ts";
import { icon } from "../frame/icons.ts";
import type { People } from "../frame/people.ts";
import { mentioningText, richText } from "../text/rich-text.ts";
import { eventWords } from "./event-words.ts";
import type { Editing, MessageActions } from "./message-actions.ts";
import { createEditor } from "./message-editor.ts";
import { drawReactions, hasReactions } from "./reactions.ts";
import type { Receipt } from "./receipts.ts";

/** One line of the view: a message or a draft, and how it stands to the one above. */
export interface Line {
  readonly key: string;
  readonly appearance: string;
  readonly message: Message | undefined;
  readonly draft: Draft | undefined;
  readonly isMine: boolean;
  readonly at: string;
  /** The first of its day. */
  readonly opensDay: boolean;
  /** The first of the chat. */
  readonly isFirst: boolean;
  /** The Tab key reaches its menu. */
  readonly isTabStop: boolean;
  /** The line above is by the same person, a few minutes earlier at most. */
  readonly continues: boolean;
  readonly editing: Editing | undefined;
  /** About to be deleted. */
  readonly isLeaving: boolean;
  readonly receipt: Receipt | undefined;
  /** The messages in whose place it stands, itself included. */
  readonly siblings: readonly number[];
  readonly seenBy: string;
  /** A search has led to it. */
  readonly isMarked: boolean;
}

/** What a line needs of the view around it. */
export interface Around {
  readonly me: string;
  readonly people: People;
  readonly view: ChatView;
  readonly actions: MessageActions;
  /** The numbers of the answers whose thinking the reader has unfolded. */
  readonly unfolded: Set<number>;
  /** What stands above the first message; "" for nothing. */
  readonly beginning: string;
  /** The first message of the thread that is shown, which needs no quotes here. */
  readonly threadRoot: number | undefined;
  /** Shows the thread of a message; undefined within a thread. */
  readonly onThread: ((root: number) => void) | undefined;
  /** Of a file of a message that is loaded. */
  fileName(id: string): string | undefined;
  drawFile(file: NonNullable<Message["files"]>[number]): HTMLElement;
  onMenu(message: Message, button: HTMLElement): void;
  onHistory(message: Message): void;
  onJump(number: number): void;
  onResize(): void;
}

export function drawLine(line: Line, around: Around) {
  const { message, draft } = line;
  if (message?.event !== undefined) return drawEvent(line, message, around);
  const { people, actions, me } = around;
  return el(
    "li",
    {
      class: "line",
      "data-mine": line.isMine,
      "data-continues": line.continues,
      ...(line.isMarked ? { "data-marked": true } : {}),
      "data-state": line.isLeaving ? "deleted" : (stateOf(draft) ?? message?.status),
      ...(message === undefined ? {} : { "aria-posinset": message.number, "aria-setsize": -1 }),
    },
    line.isFirst && around.beginning !== "" && el("p", { class: "beginning" }, around.beginning),
    line.opensDay && el("p", { class: "day" }, el("span", {}, dayOf(line.at))),
    message !== undefined &&
      !line.isMine &&
      !line.continues &&
      el("p", { class: "sender" }, people.avatar(message.sender), people.known(message.sender) ?? "…"),
    message?.role === "assistant" && !line.isLeaving && aboveAnswer(message, around),
    line.editing === undefined
      ? el("div", { class: "said" }, bubbleOf(line, around), ...besideOf(line, around))
      : createEditor(line.editing, actions, around.onResize),
    message?.role === "assistant" && !line.isLeaving && belowAnswer(line, message, around),
    message !== undefined && line.siblings.length > 1 && pagerOf(message, line.siblings, actions),
    message !== undefined &&
      !line.isLeaving &&
      hasReactions(message) &&
      drawReactions(message, me, people, (emoji) => actions.toggle(message, emoji)),
    message !== undefined && !line.isLeaving && threadButton(message, around),
    line.seenBy !== "" && el("p", { class: "seen-by" }, line.seenBy),
    draft?.state === "failed" && failureOf(draft, around.view),
  );
}

/** What happened to the group. */
function drawEvent(line: Line, message: Message, { me, people, beginning }: Around) {
  return el(
    "li",
    { class: "line", "data-state": "event", "aria-posinset": message.number, "aria-setsize": -1 },
    line.isFirst && beginning !== "" && el("p", { class: "beginning" }, beginning),
    line.opensDay && el("p", { class: "day" }, el("span", {}, dayOf(line.at))),
    el("p", { class: "event", title: exactTimeOf(line.at) }, eventWords(message, me, people)),
  );
}

/** "3 replies", which shows the thread. */
function threadButton({ number, replies }: Message, { people, onThread }: Around) {
  if (onThread === undefined || replies === undefined || replies.count === 0) return undefined;
  const { latest } = replies;
  return el(
    "button",
    {
      type: "button",
      class: "replies",
      "data-control": "replies",
      onclick: () => onThread(number),
    },
    latest !== undefined && people.avatar(latest.sender),
    counted(replies.count, "reply", "replies"),
    latest !== undefined && el("small", {}, `last ${listTimeOf(latest.createdAt)}`),
  );
}

/** A message that waits for its turn looks like one on its way. */
const stateOf = (draft: Draft | undefined) => (draft?.state === "pending" ? "sending" : draft?.state);

function bubbleOf(line: Line, around: Around) {
  const { message, draft, isLeaving } = line;
  if (isLeaving && message !== undefined) {
    return el(
      "div",
      { class: "bubble", role: "status" },
      el("em", {}, "Deleted."),
      " ",
      el(
        "button",
        {
          type: "button",
          class: "link",
          "data-control": "undo",
          onclick: () => around.actions.keep(message.number),
        },
        "Undo",
      ),
    );
  }
  if (message?.status === "deleted")
    return el("div", { class: "bubble" }, el("em", {}, "This message was deleted."));
  return el(
    "div",
    { class: "bubble" },
    ...(draft === undefined ? saidIn(message, around) : draftIn(draft, around)),
  );
}

/** A message's parts, in their order. */
function saidIn(message: Message | undefined, { me, people, threadRoot, drawFile, onJump }: Around) {
  if (message !== undefined && isComing(message)) return [comingText(message)];
  return (message?.parts ?? []).map((part) => {
    if (part.type === "quote" && part.message === threadRoot) return false;
    if (part.type === "quote")
      return quoteOf({ number: part.message, sender: part.sender, text: part.text }, people, onJump);
    // While an edit is on its way, the ranges are those of the text before.
    if (part.type === "text")
      return mentioningText(part.text, part.text === message?.text ? (message.mentions ?? []) : [], me);
    if (part.type === "image" || part.type === "file") {
      const file = message?.files?.find(({ id }) => id === part.file);
      return file !== undefined && drawFile(file);
    }
    return el(
      "blockquote",
      { class: "forward" },
      el("cite", {}, `Forwarded from ${people.known(part.sender) ?? "…"}`),
      el("span", {}, part.text),
    );
  });
}

function draftIn({ message }: Draft, { view, people, threadRoot, onJump }: Around) {
  const { replyTo } = message;
  const quoted = replyTo === undefined || replyTo === threadRoot ? undefined : view.message(replyTo);
  return [
    quoted !== undefined && quoteOf(quoted, people, onJump),
    richText(message.text ?? (message.files === undefined ? "Forwarding …" : "Files …")),
  ];
}

function quoteOf(
  { number, sender, text }: Pick<Message, "number" | "sender" | "text">,
  people: People,
  onJump: Around["onJump"],
) {
  return el(
    "button",
    {
      type: "button",
      class: "quote",
      title: "Show it",
      "data-control": "quote",
      onclick: () => onJump(number),
    },
    el("b", {}, people.known(sender) ?? "…"),
    el("span", {}, text === "" ? "This message was deleted." : text),
  );
}

/** ‹ 2/3 ›: the other wordings of this message. */
function pagerOf({ number }: Message, siblings: readonly number[], actions: Around["actions"]) {
  const at = siblings.indexOf(number);
  const step = (to: number | undefined, label: string, sign: string) =>
    el(
      "button",
      {
        type: "button",
        class: "quiet",
        disabled: to === undefined,
        "aria-label": label,
        "data-control": label,
        onclick: () => to !== undefined && actions.turnTo(to),
      },
      sign,
    );
  return el(
    "div",
    { class: "pager", role: "group", "aria-label": "Versions" },
    step(siblings[at - 1], "Previous version", "‹"),
    el("span", {}, `${at + 1}/${siblings.length}`),
    step(siblings[at + 1], "Next version", "›"),
  );
}

/** What stands beside a bubble: time, receipt, and the button of the menu. */
function besideOf(line: Line, { onMenu, onHistory }: Around) {
  const { message, draft, at } = line;
  if (draft !== undefined) return [el("span", { class: "foot" }, wordFor(draft))];
  if (message === undefined || line.isLeaving) return [];
  const foot = el(
    "span",
    { class: "foot" },
    el("time", { dateTime: at, title: exactTimeOf(at) }, timeOf(at)),
    message.pinned !== undefined && icon("pin", "pinned"),
    message.editedAt !== undefined && " · ",
    message.editedAt !== undefined && editedBadge(message, onHistory),
    line.receipt !== undefined && ticksOf(line.receipt),
  );
  if (isComing(message)) return [];
  if (message.status !== "complete" && !isAnswer(message)) return [foot];
  return [foot, menuButton(line, message, onMenu)];
}

function wordFor({ state }: Draft) {
  if (state === "failed") return "Not sent";
  return navigator.onLine ? "Sending …" : "Waiting for the network";
}

const RECEIPTS = { sent: ["✓", "Sent"], delivered: ["✓✓", "Delivered"], seen: ["✓✓", "Seen"] };

function ticksOf(receipt: Receipt) {
  const [sign = "", label = ""] = RECEIPTS[receipt];
  return el(
    "span",
    { class: "ticks", "data-receipt": receipt, role: "img", "aria-label": label, title: label },
    sign,
  );
}

const editedBadge = (message: Message, onHistory: Around["onHistory"]) =>
  el(
    "button",
    {
      type: "button",
      class: "edited",
      title: "What it said before",
      "aria-haspopup": "dialog",
      "data-control": "history",
      onclick: () => onHistory(message),
    },
    "edited",
  );

function menuButton(line: Line, message: Message, onMenu: Around["onMenu"]) {
  const button: HTMLButtonElement = el(
    "button",
    {
      type: "button",
      class: "act quiet",
      // Tab reaches one message; arrow keys lead to the others.
      tabIndex: line.isTabStop ? 0 : -1,
      "aria-haspopup": "dialog",
      "aria-label": `Actions for message ${message.number}`,
      "data-control": "actions",
      "data-number": message.number,
      onclick: () => onMenu(message, button),
    },
    "•••",
  );
  return button;
}

function failureOf(draft: Draft, view: ChatView) {
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("span", {}, draft.error),
    el("button", { type: "button", onclick: () => view.retry(draft.key) }, "Try again"),
    el("button", { type: "button", class: "quiet", onclick: () => view.discard(draft.key) }, "Discard"),
  );
}
