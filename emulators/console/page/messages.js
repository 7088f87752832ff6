import { openConversation } from "./conversation.js";
import { announce, el, fill, toast } from "./dom.js";
import { dayOf, momentOf } from "./format.js";
import { createMessageActions } from "./message-actions.js";
import { showHistory } from "./message-history.js";
import { drawLine } from "./message-line.js";
import { createMessageMenu } from "./message-menu.js";
import { lookOfReactions } from "./reactions.js";
import { rove } from "./roving.js";
import { createWindow } from "./window.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Sender} Sender */
/** @typedef {import("./conversation.js").Draft} Draft */
/** @typedef {import("./message-line.js").Line} Line */
/** @typedef {import("./message-line.js").Around} Around */

const CONTINUES_MS = 5 * 60_000;

/**
 * The messages of one chat.
 *
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {number} options.chat
 * @param {string} options.me
 * @param {boolean} options.mayDeleteAny
 * @param {import("./people.js").People} options.people
 * @param {(newest: Message) => void} options.onRead the newest message has been seen
 * @param {(newest: Message) => void} options.onNewest
 * @param {() => void} options.onGone
 * @param {(newest: Message) => string} options.seenBy
 */
export function showMessages({ api, chat, me, mayDeleteAny, people, onRead, onNewest, onGone, seenBy }) {
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

  const view = createWindow({
    scroller,
    list,
    /** @param {Line} line */
    draw: (line) => drawLine(line, around),
    onNearStart: () => void conversation.loadOlder(),
    onMove: (atEnd) => {
      menu.close();
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
    onGone,
    onError: (cause) => {
      if (!conversation.loaded)
        showEmpty("The messages can't be loaded", String(/** @type {Error} */ (cause).message));
      else toast(String(/** @type {Error} */ (cause).message));
    },
  });

  const actions = createMessageActions({ api, chat, me, conversation, onChange: () => update() });

  /** @param {Message} message */
  const focusOn = ({ number }) =>
    /** @type {HTMLElement | null} */ (list.querySelector(`.act[data-number="${number}"]`))?.focus({
      preventScroll: true,
    });

  /** @param {Message} message */
  const actionsOn = (message) => {
    const isMine = "id" in message.sender && message.sender.id === me;
    return [
      ...(isMine ? [{ label: "Edit", act: () => actions.edit(message) }] : []),
      { label: "Copy text", act: () => void actions.copy(message) },
      ...(message.editedAt === undefined ? [] : [{ label: "History …", act: () => showHistoryOf(message) }]),
      ...(isMine || mayDeleteAny
        ? [{ label: "Delete", isDangerous: true, act: () => actions.remove(message) }]
        : []),
    ];
  };
  const menu = createMessageMenu({
    me,
    actions: actionsOn,
    onReact: (message, emoji) => void actions.toggle(message, emoji),
    onClose: focusOn,
  });
  /** @param {Message} message */
  const showHistoryOf = (message) => void showHistory(() => actions.history(message));

  /** @type {Around} */
  const around = {
    me,
    people,
    conversation,
    actions,
    onMenu: menu.open,
    onHistory: showHistoryOf,
    onResize: () => view.remeasure(),
  };
  const roving = rove(list, ".act", { vertical: true });
  // The row that Tab reaches may not be in the document: far back in the history another takes its place.
  scroller.addEventListener("focus", () => {
    if (list.querySelector('.act[tabindex="0"]') === null) roving.settle();
  });
  const element = el("div", { class: "conversation" }, older, scroller, empty, newest, menu.element);

  const seen = () => {
    const last = conversation.messages.at(-1);
    if (last !== undefined && view.atEnd && !document.hidden) onRead(last);
  };
  // What came in while nobody looked is seen when somebody does.
  const ending = new AbortController();
  document.addEventListener("visibilitychange", seen, { signal: ending.signal });

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
    const lines = linesOf(around, seenBy);
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
    update,
    /** Sends, and shows it. @param {string} text */
    send(text) {
      conversation.send(text);
      view.toEnd();
    },
    close() {
      forgetPeople();
      ending.abort();
      actions.close();
      conversation.close();
      view.destroy();
    },
  };
}

/**
 * @param {Around} around
 * @param {(newest: Message) => string} seenBy
 * @returns {Line[]}
 */
function linesOf({ conversation, actions, me, people }, seenBy) {
  /** @type {Line[]} */
  const lines = [];
  const newest = conversation.drafts.length === 0 ? conversation.messages.at(-1) : undefined;
  const reachable = conversation.messages.findLast(({ status }) => status === "complete");
  let previous = { sender: "", moment: { ms: 0, day: 0 } };
  /** @param {string} key @param {Sender} from @param {string} at @param {Message | undefined} message @param {Draft | undefined} draft */
  const add = (key, from, at, message, draft) => {
    const sender = "id" in from ? from.id : from.model;
    const moment = momentOf(at);
    const opensDay = previous.moment.day !== moment.day;
    const continues =
      !opensDay && previous.sender === sender && moment.ms - previous.moment.ms < CONTINUES_MS;
    const isFirst = lines.length === 0 && !conversation.hasOlder;
    const isLeaving = message?.status === "complete" && actions.isLeaving(message.number);
    const isEdited = message?.status === "complete" && actions.editing?.message.number === message.number;
    const editing = isEdited ? actions.editing : undefined;
    const isTabStop = message !== undefined && message === reachable;
    const seen = message !== undefined && message === newest ? seenBy(message) : "";
    const look = [
      stateOf(message, draft, editing),
      message !== undefined && lookOfReactions(message, people),
      opensDay && dayOf(at),
      [continues, isFirst, isTabStop, isLeaving],
      seen,
      people.known(from),
    ].join("|");
    const isMine = sender === me;
    const place = { isMine, at, opensDay, isFirst, isTabStop, continues };
    lines.push({ key, look, message, draft, ...place, editing, isLeaving, seenBy: seen });
    previous = { sender, moment };
  };
  for (const message of conversation.messages) {
    add(conversation.keyOf(message), message.sender, message.createdAt, message, undefined);
  }
  for (const draft of conversation.drafts) add(draft.key, { id: me }, draft.at, undefined, draft);
  return lines;
}

/**
 * While somebody writes in a line it is drawn anew only for its own sake, or the field would lose the cursor.
 * @param {Message | undefined} message @param {Draft | undefined} draft @param {Line["editing"]} editing
 */
function stateOf(message, draft, editing) {
  if (editing !== undefined) return `editing ${editing.isSaving} ${editing.error}`;
  return draft?.state ?? `${message?.revision} ${message?.status}`;
}
