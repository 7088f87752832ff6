import { openConversation } from "./conversation.js";
import { announce, el, fill, toast } from "./dom.js";
import { dayOf, exactTimeOf, momentOf, timeOf } from "./format.js";
import { createWindow } from "./window.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Sender} Sender */
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
 * @property {boolean} continues the same person went on within a few minutes
 */

const CONTINUES_MS = 5 * 60_000;

/**
 * The messages of one chat.
 *
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {number} options.chat
 * @param {string} options.me
 * @param {import("./people.js").People} options.people
 * @param {(number: number) => void} options.onRead the newest message that has been seen
 * @param {(newest: Message) => void} options.onNewest
 */
export function showMessages({ api, chat, me, people, onRead, onNewest }) {
  const list = el("ol", { class: "messages", "aria-label": "Messages" });
  const older = el("p", { class: "older", hidden: true }, "Loading earlier messages …");
  const scroller = el(
    "div",
    { class: "scroller", tabIndex: 0, role: "region", "aria-label": "Conversation" },
    list,
  );
  const empty = el("div", { class: "empty", hidden: true });
  const newest = el(
    "button",
    { class: "to-newest", type: "button", hidden: true, onclick: () => view.toEnd() },
    "Newest messages ↓",
  );
  const element = el("div", { class: "conversation" }, older, scroller, empty, newest);

  const view = createWindow({
    scroller,
    list,
    /** @param {Line} line */
    draw: (line) => drawLine(line, people, conversation),
    onNearStart: () => void conversation.loadOlder(),
    onMove: (atEnd) => {
      newest.hidden = atEnd;
      if (atEnd) seen();
    },
  });

  const conversation = openConversation({
    api,
    chat,
    onChange: () => update(),
    onArrival: (messages) => void arrived(messages),
    onNewest,
    onError: (cause) => {
      if (!conversation.loaded)
        showEmpty("The messages can't be loaded", String(/** @type {Error} */ (cause).message));
      else toast(String(/** @type {Error} */ (cause).message));
    },
  });

  const seen = () => {
    const last = conversation.messages.at(-1);
    if (last !== undefined && view.atEnd && !document.hidden) onRead(last.number);
  };

  /** @param {readonly Message[]} messages */
  const arrived = async (messages) => {
    for (const message of messages.slice(-3)) {
      announce(`${await people.nameOf(message.sender)}: ${message.text}`);
    }
  };

  /** @param {string} title @param {string} text */
  const showEmpty = (title, text) => {
    empty.hidden = false;
    fill(empty, el("h2", {}, title), el("p", {}, text));
  };

  const update = () => {
    older.hidden = !conversation.loadingOlder;
    const lines = linesOf(conversation, me, people);
    empty.hidden = true;
    if (conversation.loaded && lines.length === 0) {
      showEmpty(
        "Nothing said yet",
        "Write the first message below. Enter sends it, Shift and Enter begin a new line.",
      );
    }
    view.show(lines);
    seen();
  };

  const forgetPeople = people.onChange(update);

  return {
    element,
    conversation,
    /** Sends, and shows it. @param {string} text */
    send(text) {
      conversation.send(text);
      view.toEnd();
    },
    close() {
      forgetPeople();
      conversation.close();
      view.destroy();
    },
  };
}

/**
 * @param {import("./conversation.js").Conversation} conversation
 * @param {string} me
 * @param {import("./people.js").People} people
 * @returns {Line[]}
 */
function linesOf(conversation, me, people) {
  /** @type {Line[]} */
  const lines = [];
  let previous = { sender: "", moment: { ms: 0, day: 0 } };
  /** @param {string} key @param {Sender} from @param {string} at @param {Message | undefined} message @param {Draft | undefined} draft */
  const add = (key, from, at, message, draft) => {
    const sender = "id" in from ? from.id : from.model;
    const moment = momentOf(at);
    const opensDay = previous.moment.day !== moment.day;
    const continues =
      !opensDay && previous.sender === sender && moment.ms - previous.moment.ms < CONTINUES_MS;
    const isFirst = lines.length === 0 && !conversation.hasOlder;
    const state = draft?.state ?? `${message?.revision} ${message?.status}`;
    const look = [state, opensDay && dayOf(at), continues, isFirst, people.known(from)].join("|");
    lines.push({ key, look, message, draft, isMine: sender === me, at, opensDay, isFirst, continues });
    previous = { sender, moment };
  };
  for (const message of conversation.messages) {
    add(conversation.keyOf(message), message.sender, message.createdAt, message, undefined);
  }
  for (const draft of conversation.drafts) add(draft.key, { id: me }, draft.at, undefined, draft);
  return lines;
}

/** @param {Line} line @param {import("./people.js").People} people @param {import("./conversation.js").Conversation} conversation */
function drawLine(line, people, conversation) {
  const { message, draft } = line;
  const body = el(
    "div",
    { class: "bubble" },
    message?.status === "deleted"
      ? el("em", {}, "This message was deleted.")
      : (message?.text ?? draft?.text),
  );
  return el(
    "li",
    {
      class: "line",
      "data-mine": line.isMine,
      "data-continues": line.continues,
      "data-state": draft?.state ?? message?.status,
      ...(message === undefined ? {} : { "aria-posinset": message.number, "aria-setsize": -1 }),
    },
    line.isFirst && el("p", { class: "beginning" }, "The beginning of this chat"),
    line.opensDay && el("p", { class: "day" }, el("span", {}, dayOf(line.at))),
    message !== undefined &&
      !line.isMine &&
      !line.continues &&
      el("p", { class: "sender" }, people.avatar(message.sender), people.known(message.sender) ?? "…"),
    el("div", { class: "said" }, body, footOf(line)),
    draft?.state === "failed" && failureOf(draft, conversation),
  );
}

/** @param {Line} line */
function footOf({ message, draft, at }) {
  if (draft !== undefined)
    return el("span", { class: "foot" }, draft.state === "sending" ? "Sending …" : "Not sent");
  return el(
    "span",
    { class: "foot" },
    el("time", { dateTime: at, title: exactTimeOf(at) }, timeOf(at)),
    message?.editedAt !== undefined && " · edited",
  );
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
