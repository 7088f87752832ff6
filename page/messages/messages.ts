import type { Api } from "../../shared/client/api.ts";
import type { ChatView } from "../../shared/client/chat-view.ts";
import type { Message } from "../../shared/client/connect.ts";
import type { Blocks } from "../account/blocks.ts";
import { openBlockDialog, openReportDialog } from "../account/report-dialog.ts";
import { isAnswer, isComing, renewComing } from "../answers/answer-line.ts";
import { createMessageFiles } from "../files/message-files.ts";
import { announce, el, fill, toast } from "../frame/dom.ts";
import { messageOf } from "../frame/message-of.ts";
import type { People } from "../frame/people.ts";
import { rove } from "../frame/roving.ts";
import { eventWords } from "./event-words.ts";
import { createMessageActions } from "./message-actions.ts";
import { showHistory } from "./message-history.ts";
import { type Around, drawLine, type Line } from "./message-line.ts";
import { linesOf } from "./message-lines.ts";
import { createMessageMenu } from "./message-menu.ts";
import { createReceipts } from "./receipts.ts";
import { createWindow } from "./window.ts";

/** The pause after a failure before the next page is read. */
const OLDER_PAUSE_MS = 2000;

export interface MessagesOptions {
  readonly api: Api;
  readonly view: ChatView;
  readonly me: string;
  readonly mayDeleteAny: boolean;
  readonly people: People;
  readonly blocks: Blocks;
  readonly beginning: string;
  /** The first message of the thread, where only one is shown. */
  readonly threadRoot?: number;
  /** Shows the thread of a message; undefined within a thread. */
  readonly onThread: ((root: number) => void) | undefined;
  mayPin(): boolean;
  onReply(message: Message): void;
  onForward(message: Message): void;
  /** Called when the reader returns from a found message to the newest. */
  onReturn(): void;
}

/** The messages of one chat. */
export function showMessages({
  api,
  view,
  me,
  mayDeleteAny,
  people,
  blocks,
  beginning,
  threadRoot,
  onThread,
  mayPin,
  onReply,
  onForward,
  onReturn,
}: MessagesOptions) {
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
    draw: (line: Line) => drawLine(line, around),
    renew: (row, { message }) => {
      if (message !== undefined && isComing(message)) renewComing(row, message);
    },
    onNearStart: () => void load(view.hasOlder, view.loadOlder),
    onNearEnd: () => void load(view.isAway, view.loadNewer),
    onMove: (atEnd, byReader) => {
      if (byReader) menu.close();
      else menu.follow();
      newest.hidden = atEnd;
      if (atEnd) seen();
    },
  });

  let isWaiting = false;
  const load = async (hasMore: boolean, loadMore: () => Promise<void>) => {
    if (isWaiting || !hasMore || view.isLoadingOlder) return;
    try {
      await loadMore();
    } catch (cause) {
      toast(messageOf(cause));
      // Without a pause the window would try again at once, for ever.
      isWaiting = true;
      setTimeout(() => (isWaiting = false), OLDER_PAUSE_MS);
    }
  };

  const actions = createMessageActions({ view, api, me, onChange: () => update() });

  const actButtonOf = ({ number }: Message) =>
    list.querySelector<HTMLElement>(`.act[data-number="${number}"]`);
  const focusOn = (message: Message) => actButtonOf(message)?.focus({ preventScroll: true });

  /** What can be done about a message of somebody else's. */
  const actionsAgainst = ({ number, sender }: Message) => {
    const name = people.known(sender) ?? "somebody";
    const what = { message: { chat: view.number, message: number } };
    const report = { label: "Report …", act: () => openReportDialog(api, what, name) };
    const isPerson = "id" in sender && !sender.id.startsWith("token_") && sender.id !== "operator";
    if (!isPerson) return [report];
    const block = () => openBlockDialog(blocks, { user: sender.id, name });
    return [report, { label: `Block ${name} …`, isDangerous: true, act: block }];
  };

  const actionsOn = (message: Message) => {
    // Only with a model there are branches.
    const isWithModel = view.chat?.kind === "assistant" || view.chat?.model !== undefined;
    const isMine = "id" in message.sender && message.sender.id === me;
    return [
      ...(isAnswer(message) ? [{ label: "Answer again", act: () => actions.regenerate(message) }] : []),
      ...(isAnswer(message) && message.status !== "failed"
        ? [
            { label: "Good answer", act: () => actions.rate(message, "up") },
            { label: "Bad answer", act: () => actions.rate(message, "down") },
          ]
        : []),
      { label: "Reply", act: () => onReply(message) },
      ...(onThread === undefined || isWithModel
        ? []
        : [{ label: "Reply in thread", act: () => onThread(message.thread ?? message.number) }]),
      ...(isMine ? [{ label: "Edit", act: () => actions.edit(message, false) }] : []),
      ...(isMine && isWithModel
        ? [{ label: "Send again, reworded", act: () => actions.edit(message, true) }]
        : []),
      ...(mayPin()
        ? [
            {
              label: message.pinned === undefined ? "Pin for everybody" : "Unpin",
              act: () => actions.pin(message),
            },
          ]
        : []),
      { label: "Forward …", act: () => onForward(message) },
      { label: "Copy text", act: () => void actions.copy(message) },
      ...(message.editedAt === undefined ? [] : [{ label: "History …", act: () => showHistoryOf(message) }]),
      { label: "New chat from here", act: () => void actions.fork(message) },
      ...(isMine ? [] : actionsAgainst(message)),
      ...(isMine || mayDeleteAny
        ? [{ label: "Delete", isDangerous: true, act: () => actions.remove(message) }]
        : []),
    ];
  };
  const menu = createMessageMenu({
    me,
    actions: actionsOn,
    onReact: (message, emoji) => actions.toggle(message, emoji),
    buttonOf: actButtonOf,
  });
  const showHistoryOf = (message: Message) => void showHistory(() => actions.history(message));

  const around: Around = {
    me,
    people,
    view,
    actions,
    beginning,
    threadRoot,
    onThread,
    unfolded: new Set(),
    fileName: (id) => view.messages.flatMap(({ files = [] }) => files).find((file) => file.id === id)?.name,
    drawFile: createMessageFiles(api, view.number, () => frame.remeasure()),
    onMenu: menu.open,
    onHistory: showHistoryOf,
    onJump: (number) => void jumpTo(number),
    onResize: () => frame.remeasure(),
  };
  const roving = rove(list, ".act", { vertical: true });
  // The row that Tab reaches may not be in the document. Then another row takes its place.
  scroller.addEventListener("focus", () => {
    if (list.querySelector('.act[tabindex="0"]') === null) roving.settle();
  });
  const element = el("div", { class: "conversation" }, older, scroller, empty, newest, menu.element);

  /** The number of the message that a search has led to; 0 for none. */
  let marked = 0;

  /** Shows a message with its neighbours, wherever it is, and marks it. */
  const jumpTo = async (number: number) => {
    try {
      const message: Message =
        view.message(number) ?? (await api.get(`/chats/${view.number}/messages/${number}`));
      await view.visit(message);
      marked = number;
      update();
      frame.toKey(view.keyOf(message));
      focusOn(message);
    } catch (cause) {
      toast(messageOf(cause));
    }
  };

  /** Returns to the newest message, or to what has just been written. */
  const toEnd = () => {
    const isReturn = marked !== 0 || view.isAway;
    marked = 0;
    view.return();
    update();
    frame.toEnd();
    if (isReturn) onReturn();
  };

  const seen = () => {
    if (!view.isLoaded || !frame.atEnd || view.isAway || document.hidden) return;
    // A chat in which nothing was said may be marked as unread all the same.
    view.markRead(view.messages.at(-1)?.number ?? 0);
  };
  // A hidden page needs no stream. Messages that came meanwhile count as seen once the page is visible again.
  const ending = new AbortController();
  const followVisibility = () => {
    if (document.hidden) return view.pause();
    view.resume();
    seen();
  };
  document.addEventListener("visibilitychange", followVisibility, { signal: ending.signal });
  addEventListener("offline", () => update(), { signal: ending.signal });
  addEventListener("online", () => update(), { signal: ending.signal });

  const arrived = async (messages: readonly Message[]) => {
    for (const message of messages.slice(-3)) {
      if (message.event !== undefined) {
        announce(eventWords(message, me, people));
        continue;
      }
      const said = message.text === "" ? "a forwarded message" : message.text;
      announce(`${await people.nameOf(message.sender)}: ${said}`);
    }
  };

  const showEmpty = (title: string, text: string) => {
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
  /** Updates at most once a frame while an answer comes, because its words come faster than frames. */
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
      showEmpty("The messages can't be loaded", messageOf(cause));
    }),
  ];

  return {
    element,
    update,
    toEnd,
    jumpTo,
    /** Puts the focus on a message's menu; false where the message is not in sight. */
    focusOn(number: number) {
      const button = list.querySelector<HTMLElement>(`.act[data-number="${number}"]`);
      button?.focus({ preventScroll: true });
      return button !== null;
    },
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
