import type { Message } from "../../shared/client/connect.ts";
import type { Draft } from "../../shared/client/outbox.ts";
import { isAnswer, isComing, appearanceOfAnswer } from "../answers/answer-line.ts";
import { dayOf, momentOf } from "../frame/format.ts";
import type { Sender } from "../frame/people.ts";
import type { Around, Line } from "./message-line.ts";
import { appearanceOfReactions } from "./reactions.ts";
import type { Receipt, createReceipts } from "./receipts.ts";

/** A message, or a draft of one. */
interface Written extends Pick<Line, "key" | "at" | "message" | "draft"> {
  readonly from: Sender;
}

const CONTINUES_MS = 5 * 60_000;

/**
 * The lines of the view. A line is drawn anew when its appearance changes.
 *
 * @param marked the number of the message that a search has led to; 0 for none
 */
export function linesOf(
  { view, actions, me, people }: Around,
  receipts: ReturnType<typeof createReceipts>,
  marked: number,
): Line[] {
  const { messages, hasOlder } = view;
  // Drafts stand at the end of the chat, which is not shown while the reader is away from it.
  const drafts = view.isAway ? [] : view.drafts;
  const { reached } = receipts;
  const turns = turnsOf(view);
  const lines: Line[] = [];
  const newest = drafts.length === 0 ? messages.at(-1) : undefined;
  const reachable = messages.findLast((message) => isReachable(message));
  let previous = { sender: "", moment: { ms: 0, day: 0 } };

  const add = ({ key, from, at, message, draft }: Written) => {
    const sender = "id" in from ? from.id : from.model;
    const moment = momentOf(at);
    const opensDay = previous.moment.day !== moment.day;
    const isEvent = message?.event !== undefined;
    const continues =
      !opensDay && !isEvent && previous.sender === sender && moment.ms - previous.moment.ms < CONTINUES_MS;
    const isFirst = lines.length === 0 && !hasOlder;
    const isComplete = message?.status === "complete";
    const isLeaving = isComplete && actions.isLeaving(message.number);
    const isEdited = isComplete && actions.editing?.message.number === message.number;
    const editing = isEdited ? actions.editing : undefined;
    const isTabStop = message !== undefined && message === reachable;
    const seenBy = message !== undefined && message === newest && !isEvent ? receipts.seenBy(message) : "";
    const isMine = sender === me;
    const receipt =
      isMine && isComplete && reached !== undefined ? receiptOf(message.number, reached) : undefined;
    const siblings =
      message !== undefined && turns.has(message.parent ?? 0) ? view.siblingsOf(message.number) : [];
    const isMarked = message !== undefined && message.number === marked;
    const appearance = [
      stateOf(message, draft, editing),
      message !== undefined && appearanceOfReactions(message, people),
      opensDay && dayOf(at),
      message !== undefined && appearanceOfAnswer(message, view),
      message !== undefined && appearanceOfThread(message, people),
      [continues, isFirst, isTabStop, isLeaving, isMarked],
      [seenBy, receipt, siblings],
      people.known(from),
    ].join("|");
    const place = { isMine, at, opensDay, isFirst, isTabStop, continues };
    lines.push({
      key,
      appearance,
      message,
      draft,
      ...place,
      editing,
      isLeaving,
      receipt,
      siblings,
      seenBy,
      isMarked,
    });
    previous = { sender: isEvent ? "" : sender, moment };
  };
  for (const message of messages)
    add({ key: view.keyOf(message), from: message.sender, at: message.createdAt, message, draft: undefined });
  for (const draft of drafts)
    add({ key: draft.key, from: { id: me }, at: draft.createdAt, message: undefined, draft });
  return lines;
}

/** It has a menu. */
const isReachable = (message: Message) =>
  (message.status === "complete" && message.event === undefined) || isAnswer(message);

/** The numbers of the messages after which a branch begins; 0 for the chat's beginning. */
const turnsOf = (view: Around["view"]) =>
  new Set(view.branches.filter(({ id }) => id !== "main").map(({ after }) => after ?? 0));

function receiptOf(number: number, { seen, delivered }: { seen: number; delivered: number }): Receipt {
  if (number <= seen) return "seen";
  return number <= delivered ? "delivered" : "sent";
}

/**
 * A part of the appearance. While a line is being edited, the message's own changes are left out, so that the
 * field keeps the cursor.
 */
function stateOf(message: Message | undefined, draft: Draft | undefined, editing: Line["editing"]) {
  if (editing !== undefined) return `editing ${editing.isSaving} ${editing.error}`;
  if (draft !== undefined) return `${draft.state} ${navigator.onLine}`;
  // The words of a coming answer are added to the row that is there.
  if (isComing(message)) return "coming";
  const files = message?.files?.map(({ status }) => status).join();
  return `${message?.revision} ${message?.status} ${message?.editedAt} ${message?.text.length} ${files}`;
}

/** What names people besides the sender, and what may change before the message has a new revision. */
const appearanceOfThread = ({ event, pinned, replies }: Message, people: Around["people"]) =>
  [
    event !== undefined && "user" in event && people.known({ id: event.user }),
    pinned !== undefined,
    replies?.latest !== undefined && people.known(replies.latest.sender),
  ].join();
