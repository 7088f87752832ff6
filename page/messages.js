import { isAnswer, isComing, renewComing } from "./answer-line.js";
import { announce, el, fill, toast } from "./dom.js";
import { createMessageActions } from "./message-actions.js";
import { showHistory } from "./message-history.js";
import { drawLine } from "./message-line.js";
import { linesOf } from "./message-lines.js";
import { createMessageMenu } from "./message-menu.js";
import { createReceipts } from "./receipts.js";
import { rove } from "./roving.js";
import { createWindow } from "./window.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./message-line.js").Line} Line */
/** @typedef {import("./message-line.js").Around} Around */

/** After a failure, the next older page is asked for this much later at the soonest. */
const OLDER_PAUSE_MS = 2000;

/**
 * The messages of one chat.
 *
 * @param {object} options
 * @param {import("./types.js").Api} options.api
 * @param {import("./types.js").ChatView} options.view
 * @param {string} options.me
 * @param {boolean} options.mayDeleteAny
 * @param {import("./people.js").People} options.people
 * @param {(message: Message) => void} options.onReply
 * @param {(message: Message) => void} options.onForward
 * @param {() => void} options.onReturn back from a message that was looked for to the newest
 */
export function showMessages({ api, view, me, mayDeleteAny, people, onReply, onForward, onReturn }) {
  const list = el("ol", { class: "messages", "aria-label": "Messages" });
  const receipts = createReceipts({ view, me, people });
  const older = el("p", { class: "older", hidden: true }, "Loading earlier messages …");
  const scroller = el(
    "div",
    { class: "scroller", tabIndex: 0, role: "log", "aria-live": "off", "aria-label": "Conversation" },
    list,
  );
  const empty = el("div", { class: "empty", hidden: true });
  const newest = el(
    "button",
    { class: "to-newest", type: "button", hidden: true, onclick: () => toEnd() },
    "Newest messages ↓",
  );

  const frame = createWindow({
    scroller,
    list,
    /** @param {Line} line */
    draw: (line) => drawLine(line, around),
    renew: (row, { message }) => {
      if (message !== undefined && isComing(message)) renewComing(row, message);
    },
    onNearStart: () => void load(view.hasOlder, view.loadOlder),
    onNearEnd: () => void load(view.isAway, view.loadNewer),
    onMove: (atEnd) => {
      menu.close();
      newest.hidden = atEnd;
      if (atEnd) seen();
    },
  });

  let isWaiting = false;
  /** @param {boolean} hasMore @param {() => Promise<void>} loadMore */
  const load = async (hasMore, loadMore) => {
    if (isWaiting || !hasMore || view.isLoadingOlder) return;
    try {
      await loadMore();
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
      // Or the window would ask again at once, for ever.
      isWaiting = true;
      setTimeout(() => (isWaiting = false), OLDER_PAUSE_MS);
    }
  };

  const actions = createMessageActions({ view, api, me, onChange: () => update() });

  /** @param {Message} message */
  const focusOn = ({ number }) =>
    /** @type {HTMLElement | null} */ (list.querySelector(`.act[data-number="${number}"]`))?.focus({
      preventScroll: true,
    });

  /** @param {Message} message */
  const actionsOn = (message) => {
    const isMine = "id" in message.sender && message.sender.id === me;
    return [
      ...(isAnswer(message) ? [{ label: "Answer again", act: () => actions.askAgain(message) }] : []),
      ...(isAnswer(message) && message.status !== "failed"
        ? [
            { label: "Good answer", act: () => actions.rate(message, "up") },
            { label: "Bad answer", act: () => actions.rate(message, "down") },
          ]
        : []),
      { label: "Reply", act: () => onReply(message) },
      ...(isMine ? [{ label: "Edit", act: () => actions.edit(message, false) }] : []),
      ...(isMine ? [{ label: "Send again, reworded", act: () => actions.edit(message, true) }] : []),
      { label: "Forward …", act: () => onForward(message) },
      { label: "Copy text", act: () => void actions.copy(message) },
      ...(message.editedAt === undefined ? [] : [{ label: "History …", act: () => showHistoryOf(message) }]),
      { label: "New chat from here", act: () => void actions.fork(message) },
      ...(isMine || mayDeleteAny
        ? [{ label: "Delete", isDangerous: true, act: () => actions.remove(message) }]
        : []),
    ];
  };
  const menu = createMessageMenu({
    me,
    actions: actionsOn,
    onReact: (message, emoji) => actions.toggle(message, emoji),
    onClose: focusOn,
  });
  /** @param {Message} message */
  const showHistoryOf = (message) => void showHistory(() => actions.history(message));

  /** @type {Around} */
  const around = {
    me,
    people,
    view,
    actions,
    onMenu: menu.open,
    onHistory: showHistoryOf,
    onJump: (number) => void jumpTo(number),
    onResize: () => frame.remeasure(),
  };
  const roving = rove(list, ".act", { vertical: true });
  // The row that Tab reaches may not be in the document: far back in the history another takes its place.
  scroller.addEventListener("focus", () => {
    if (list.querySelector('.act[tabindex="0"]') === null) roving.settle();
  });
  const element = el("div", { class: "conversation" }, older, scroller, empty, newest, menu.element);

  /** What was looked for. */
  let marked = 0;

  /** Shows a message wherever it is, with what stands around it, and marks it. @param {number} number */
  const jumpTo = async (number) => {
    try {
      /** @type {Message} */
      const message = view.message(number) ?? (await api.get(`/chats/${view.number}/messages/${number}`));
      await view.visit(message);
      marked = number;
      update();
      frame.toKey(view.keyOf(message));
      focusOn(message);
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
    }
  };

  /** Back to what was said last, or has just been written. */
  const toEnd = () => {
    const isReturn = marked !== 0 || view.isAway;
    marked = 0;
    view.return();
    update();
    frame.toEnd();
    if (isReturn) onReturn();
  };

  const seen = () => {
    const last = view.messages.at(-1);
    if (last !== undefined && frame.atEnd && !view.isAway && !document.hidden) view.markRead(last.number);
  };
  // What came in while nobody looked is seen when somebody does; without anybody there is no need for a stream.
  const ending = new AbortController();
  const look = () => {
    if (document.hidden) return view.pause();
    view.resume();
    seen();
  };
  document.addEventListener("visibilitychange", look, { signal: ending.signal });
  addEventListener("offline", () => update(), { signal: ending.signal });
  addEventListener("online", () => update(), { signal: ending.signal });

  /** @param {readonly Message[]} messages */
  const arrived = async (messages) => {
    for (const message of messages.slice(-3)) {
      const said = message.text === "" ? "a forwarded message" : message.text;
      announce(`${await people.nameOf(message.sender)}: ${said}`);
    }
  };

  /** @param {string} title @param {string} text */
  const showEmpty = (title, text) => {
    empty.hidden = false;
    fill(empty, el("h2", {}, title), el("p", {}, text));
  };

  const update = () => {
    older.hidden = !view.isLoadingOlder;
    const lines = view.isLoaded || view.drafts.length > 0 ? linesOf(around, receipts, marked) : [];
    empty.hidden = true;
    if (view.isLoaded && lines.length === 0) {
      showEmpty(
        "Nothing said yet",
        "Write the first message below. Enter sends it, Shift and Enter begin a new line.",
      );
    }
    frame.show(lines, !view.isAway);
    seen();
  };

  let isPlanned = false;
  /** Words of answers come faster than anybody sees. */
  const updateSoon = () => {
    if (!view.messages.some(isComing)) return update();
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      if (!ending.signal.aborted) update();
    });
  };

  const forget = [
    people.onChange(update),
    view.on("change", updateSoon),
    view.on("arrival", (messages) => void arrived(messages)),
    view.on("error", (cause) => {
      if (view.isLoaded) return;
      showEmpty("The messages can't be loaded", String(/** @type {Error} */ (cause).message));
    }),
  ];

  return {
    element,
    update,
    toEnd,
    jumpTo,
    /** Ends the answer that is being made; false when there is none. */
    stop() {
      const coming = view.messages.findLast(isComing);
      if (coming !== undefined) actions.stop(coming);
      return coming !== undefined;
    },
    /** Takes the mark away; false when there is none. */
    unmark() {
      const was = marked;
      marked = 0;
      update();
      return was !== 0;
    },
    close() {
      for (const leave of forget) leave();
      ending.abort();
      actions.close();
      frame.destroy();
    },
  };
}
