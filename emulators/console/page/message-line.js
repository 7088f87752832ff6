import { el } from "./dom.js";
import { dayOf, exactTimeOf, timeOf } from "./format.js";
import { createEditor } from "./message-editor.js";
import { drawReactions, hasReactions } from "./reactions.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./conversation.js").Draft} Draft */

/**
 * One line of the view: a message or a draft, and how it stands to the one above.
 * @typedef {object} Line
 * @property {string} key
 * @property {string} look
 * @property {Message | undefined} message
 * @property {Draft | undefined} draft
 * @property {boolean} isMine
 * @property {string} at
 * @property {boolean} opensDay the first of its day
 * @property {boolean} isFirst the first of the chat
 * @property {boolean} isTabStop its menu is what the Tab key reaches
 * @property {boolean} continues the same person went on within a few minutes
 * @property {import("./message-actions.js").Editing | undefined} editing
 * @property {boolean} isLeaving about to be deleted
 * @property {string} seenBy
 *
 * @typedef {object} Around what a line needs of the view that it is in
 * @property {string} me
 * @property {import("./people.js").People} people
 * @property {import("./conversation.js").Conversation} conversation
 * @property {import("./message-actions.js").MessageActions} actions
 * @property {(message: Message, button: HTMLElement) => void} onMenu
 * @property {(message: Message) => void} onHistory
 * @property {() => void} onResize
 */

/** @param {Line} line @param {Around} around */
export function drawLine(line, around) {
  const { message, draft } = line;
  const { people, actions, me } = around;
  return el(
    "li",
    {
      class: "line",
      "data-mine": line.isMine,
      "data-continues": line.continues,
      "data-state": line.isLeaving ? "deleted" : (draft?.state ?? message?.status),
      ...(message === undefined ? {} : { "aria-posinset": message.number, "aria-setsize": -1 }),
    },
    line.isFirst && el("p", { class: "beginning" }, "The beginning of this chat"),
    line.opensDay && el("p", { class: "day" }, el("span", {}, dayOf(line.at))),
    message !== undefined &&
      !line.isMine &&
      !line.continues &&
      el("p", { class: "sender" }, people.avatar(message.sender), people.known(message.sender) ?? "…"),
    line.editing === undefined
      ? el("div", { class: "said" }, bubbleOf(line, around), ...besideOf(line, around))
      : createEditor(line.editing, actions, around.onResize),
    message !== undefined &&
      !line.isLeaving &&
      hasReactions(message) &&
      drawReactions(message, me, people, (emoji) => void actions.toggle(message, emoji)),
    line.seenBy !== "" && el("p", { class: "seen-by" }, line.seenBy),
    draft?.state === "failed" && failureOf(draft, around.conversation),
  );
}

/** @param {Line} line @param {Around} around */
function bubbleOf({ message, draft, isLeaving }, { actions }) {
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
          onclick: () => actions.keep(message.number),
        },
        "Undo",
      ),
    );
  }
  const isDeleted = message?.status === "deleted";
  return el(
    "div",
    { class: "bubble" },
    isDeleted ? el("em", {}, "This message was deleted.") : (message?.text ?? draft?.text),
  );
}

/** The time, and the button of the menu. @param {Line} line @param {Around} around */
function besideOf(line, { onMenu, onHistory }) {
  const { message, draft, at } = line;
  if (draft !== undefined)
    return [el("span", { class: "foot" }, draft.state === "sending" ? "Sending …" : "Not sent")];
  if (message === undefined || line.isLeaving) return [];
  const foot = el(
    "span",
    { class: "foot" },
    el("time", { dateTime: at, title: exactTimeOf(at) }, timeOf(at)),
    message.editedAt !== undefined && " · ",
    message.editedAt !== undefined && editedBadge(message, onHistory),
  );
  if (message.status !== "complete") return [foot];
  return [foot, menuButton(line, message, onMenu)];
}

/** @param {Message} message @param {Around["onHistory"]} onHistory */
const editedBadge = (message, onHistory) =>
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

/** @param {Line} line @param {Message} message @param {Around["onMenu"]} onMenu */
function menuButton(line, message, onMenu) {
  const button = el(
    "button",
    {
      type: "button",
      class: "act quiet",
      // One stop of the Tab key for all messages: arrow keys lead to the others.
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

/** @param {Draft} draft @param {import("./conversation.js").Conversation} conversation */
function failureOf(draft, conversation) {
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("span", {}, draft.error),
    el("button", { type: "button", onclick: () => conversation.retry(draft.key) }, "Try again"),
    el(
      "button",
      { type: "button", class: "quiet", onclick: () => conversation.discard(draft.key) },
      "Discard",
    ),
  );
}
