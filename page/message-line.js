import { belowAnswer, comingText, isAnswer, isComing } from "./answer-line.js";
import { el } from "./dom.js";
import { dayOf, exactTimeOf, timeOf } from "./format.js";
import { createEditor } from "./message-editor.js";
import { drawReactions, hasReactions } from "./reactions.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Draft} Draft */
/** @typedef {import("./types.js").Sender} Sender */

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
 * @property {import("./receipts.js").Receipt | undefined} receipt
 * @property {readonly number[]} siblings the messages in whose place it stands, itself included
 * @property {string} seenBy
 * @property {boolean} isMarked it is what was looked for
 *
 * @typedef {object} Around what a line needs of the view that it is in
 * @property {string} me
 * @property {import("./people.js").People} people
 * @property {import("./types.js").ChatView} view
 * @property {import("./message-actions.js").MessageActions} actions
 * @property {(message: Message, button: HTMLElement) => void} onMenu
 * @property {(message: Message) => void} onHistory
 * @property {(number: number) => void} onJump
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
      ...(line.isMarked ? { "data-marked": true } : {}),
      "data-state": line.isLeaving ? "deleted" : (stateOf(draft) ?? message?.status),
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
    message?.role === "assistant" && !line.isLeaving && belowAnswer(line, message, around),
    message !== undefined && line.siblings.length > 1 && pagerOf(message, line.siblings, actions),
    message !== undefined &&
      !line.isLeaving &&
      hasReactions(message) &&
      drawReactions(message, me, people, (emoji) => actions.toggle(message, emoji)),
    line.seenBy !== "" && el("p", { class: "seen-by" }, line.seenBy),
    draft?.state === "failed" && failureOf(draft, around.view),
  );
}

/** A message that waits for its turn looks like one on its way. @param {Draft | undefined} draft */
const stateOf = (draft) => (draft?.state === "pending" ? "sending" : draft?.state);

/** @param {Line} line @param {Around} around */
function bubbleOf(line, around) {
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

/** A message's parts, in their order. @param {Message | undefined} message @param {Around} around */
function saidIn(message, { people, onJump }) {
  if (message !== undefined && isComing(message)) return [comingText(message)];
  return (message?.parts ?? []).map((part) => {
    if (part.type === "quote") return quoteOf(part.message, part.sender, part.text, people, onJump);
    if (part.type === "text") return el("span", { class: "text" }, part.text);
    return el(
      "blockquote",
      { class: "forward" },
      el("cite", {}, `Forwarded from ${people.known(part.sender) ?? "…"}`),
      el("span", {}, part.text),
    );
  });
}

/** @param {Draft} draft @param {Around} around */
function draftIn({ message }, { view, people, onJump }) {
  const quoted = message.replyTo === undefined ? undefined : view.message(message.replyTo);
  return [
    quoted !== undefined && quoteOf(quoted.number, quoted.sender, quoted.text, people, onJump),
    el("span", { class: "text" }, message.text ?? "Forwarding …"),
  ];
}

/**
 * @param {number} number @param {Sender} sender @param {string} text
 * @param {import("./people.js").People} people @param {(number: number) => void} onJump
 */
function quoteOf(number, sender, text, people, onJump) {
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

/** ‹ 2/3 ›: the other wordings of this message. @param {Message} message @param {readonly number[]} siblings @param {Around["actions"]} actions */
function pagerOf({ number }, siblings, actions) {
  const at = siblings.indexOf(number);
  /** @param {number | undefined} to @param {string} label @param {string} sign */
  const step = (to, label, sign) =>
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

/** The time, how far it has come, and the button of the menu. @param {Line} line @param {Around} around */
function besideOf(line, { onMenu, onHistory }) {
  const { message, draft, at } = line;
  if (draft !== undefined) return [el("span", { class: "foot" }, wordFor(draft))];
  if (message === undefined || line.isLeaving) return [];
  const foot = el(
    "span",
    { class: "foot" },
    el("time", { dateTime: at, title: exactTimeOf(at) }, timeOf(at)),
    message.editedAt !== undefined && " · ",
    message.editedAt !== undefined && editedBadge(message, onHistory),
    line.receipt !== undefined && ticksOf(line.receipt),
  );
  if (isComing(message)) return [];
  if (message.status !== "complete" && !isAnswer(message)) return [foot];
  return [foot, menuButton(line, message, onMenu)];
}

/** @param {Draft} draft */
function wordFor({ state }) {
  if (state === "failed") return "Not sent";
  return navigator.onLine ? "Sending …" : "Waiting for the network";
}

const RECEIPTS = { sent: ["✓", "Sent"], delivered: ["✓✓", "Delivered"], seen: ["✓✓", "Seen"] };

/** @param {import("./receipts.js").Receipt} receipt */
function ticksOf(receipt) {
  const [sign = "", label = ""] = RECEIPTS[receipt];
  return el(
    "span",
    { class: "ticks", "data-receipt": receipt, role: "img", "aria-label": label, title: label },
    sign,
  );
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

/** @param {Draft} draft @param {import("./types.js").ChatView} view */
function failureOf(draft, view) {
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("span", {}, draft.error),
    el("button", { type: "button", onclick: () => view.retry(draft.key) }, "Try again"),
    el("button", { type: "button", class: "quiet", onclick: () => view.discard(draft.key) }, "Discard"),
  );
}
