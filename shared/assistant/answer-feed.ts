import type { ChatHandle } from "../chat/chat-handle.ts";
import { messageView, type StoredMessage, storedMessage } from "../chat/log/message.ts";
import { messagesOf } from "../chat/store.ts";
import type { LiveEvent } from "../live/contract.ts";
import type { Deps } from "../platform/deps.ts";
import type { AnswerHub, Piece } from "./answer-hub.ts";
import { isOpen } from "./claim-answer.ts";
import { segmentsFrom, storedSegment } from "./segments.ts";

/** Where a reader of an answer is: what it has been told of which attempt. */
export interface AnswerPosition {
  epoch: number;
  offset: number;
}

/**
 * Answers as they come. All readers of an answer in an instance share two Firestore listeners, on its message
 * and its segments; what is made in this very instance reaches them without either.
 */
export interface AnswerFeeds {
  /**
   * Tells the text from a position on, and then whatever comes: `answer.delta`, `answer.reset` when an
   * attempt has died, `message.changed` when it has to wait for a model, and at the end `answer.done` with
   * the message. Returns the end of the subscription. Costs 1 read and 1 for each segment for the first
   * reader, then 1 for each segment and change.
   */
  follow(
    chat: ChatHandle,
    answer: string,
    from: AnswerPosition | undefined,
    tell: (events: readonly LiveEvent[], position: AnswerPosition) => void,
  ): () => void;
}

interface Reader {
  readonly position: AnswerPosition;
  /** Has been told that the answer waits. */
  isPatient: boolean;
  tell(events: readonly LiveEvent[], position: AnswerPosition): void;
}

interface Found {
  readonly id: string;
  readonly stored: StoredMessage;
}

interface Feed {
  readonly chat: number;
  readonly readers: Set<Reader>;
  number: number | undefined;
  epoch: number;
  text: string;
  waiting: Found | undefined;
  done: Found | undefined;
  stop(): void;
}

export function openAnswerFeeds(deps: Pick<Deps, "upkeep" | "log">, hub: AnswerHub): AnswerFeeds {
  const feeds = new Map<string, Feed>();
  deps.upkeep.onClose(() => {
    for (const feed of feeds.values()) feed.stop();
    feeds.clear();
  });

  const open = (path: string, chat: ChatHandle, answer: string): Feed => {
    const ref = messagesOf(chat).doc(answer);
    const feed: Feed = {
      chat: chat.number,
      readers: new Set(),
      number: undefined,
      epoch: 0,
      text: "",
      waiting: undefined,
      done: undefined,
      stop: () => undefined,
    };
    const take = ({ epoch, offset, text }: Piece): void => {
      if (feed.done !== undefined || epoch < feed.epoch) return;
      if (epoch > feed.epoch) {
        feed.epoch = epoch;
        feed.text = "";
      }
      // What readers heard from the hub is left out when Firestore tells it again.
      if (offset > feed.text.length || offset + text.length <= feed.text.length) return;
      feed.text += text.slice(feed.text.length - offset);
      for (const reader of feed.readers) catchUp(feed, reader);
    };
    const fail = (cause: unknown): void =>
      deps.log.error("An answer can't be followed; readers come back.", cause, { chat: chat.number });
    const stops = deps.upkeep.run(() => [
      hub.listen(ref.path, take),
      segmentsFrom(chat, answer, 0).onSnapshot((snapshot) => {
        for (const { type, doc } of snapshot.docChanges()) if (type === "added") take(storedSegment(doc));
      }, fail),
      ref.onSnapshot((snapshot) => {
        const stored = storedMessage(snapshot);
        if (stored === undefined) return;
        feed.number = stored.number;
        const found = { id: snapshot.id, stored };
        const waits = stored.status === "queued" && stored.answer?.served?.as === "queued";
        feed.waiting = waits ? found : undefined;
        if (!isOpen(stored)) feed.done = found;
        for (const reader of feed.readers) catchUp(feed, reader);
      }, fail),
    ]);
    feed.stop = () => {
      for (const stop of stops) stop();
    };
    feeds.set(path, feed);
    return feed;
  };

  return {
    follow(chat, answer, from, tell) {
      const path = `${chat.app.id}/${chat.number}/${answer}`;
      const feed = feeds.get(path) ?? open(path, chat, answer);
      const reader: Reader = { position: from ?? { epoch: 0, offset: 0 }, isPatient: false, tell };
      feed.readers.add(reader);
      // The caller needs the returned function first, so the reader is told in a later turn.
      queueMicrotask(() => catchUp(feed, reader));
      return () => {
        feed.readers.delete(reader);
        if (feed.readers.size > 0 || feeds.get(path) !== feed) return;
        feeds.delete(path);
        feed.stop();
      };
    },
  };
}

/** Tells a reader what lies between it and what is known. */
function catchUp(feed: Feed, reader: Reader): void {
  const { position } = reader;
  const { number, chat, waiting, done } = feed;
  if (number === undefined || !feed.readers.has(reader)) return;
  const events: LiveEvent[] = [];
  const restart = (epoch: number): void => {
    if (position.epoch > 0) events.push({ event: "answer.reset", data: { chat, message: number, epoch } });
    position.epoch = epoch;
    position.offset = 0;
  };
  const say = (text: string): void => {
    if (position.offset >= text.length) return;
    const { epoch, offset } = position;
    const data = { chat, message: number, epoch, offset, text: text.slice(offset) };
    events.push({ event: "answer.delta", data });
    position.offset = text.length;
  };
  if (waiting !== undefined && !reader.isPatient) {
    events.push({
      event: "message.changed",
      data: { chat, message: messageView(waiting.id, waiting.stored) },
    });
    reader.isPatient = true;
  }
  if (position.epoch < feed.epoch) restart(feed.epoch);
  if (done === undefined) {
    if (position.epoch === feed.epoch) say(feed.text);
  } else {
    const { text } = done.stored.body;
    const epoch = done.stored.answer?.epoch ?? feed.epoch;
    // An attempt that died, or whose text was cut, is taken back from readers who heard more of it.
    if (position.epoch < epoch || !text.startsWith(feed.text.slice(0, position.offset))) restart(epoch);
    say(text);
    events.push({ event: "answer.done", data: { chat, message: messageView(done.id, done.stored) } });
    feed.readers.delete(reader);
  }
  if (events.length > 0) reader.tell(events, { ...position });
}
