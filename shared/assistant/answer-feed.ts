import type { ChatHandle } from "../chat/chat-handle.ts";
import { messageView, type StoredMessage, storedMessage } from "../chat/log/message.ts";
import { messagesOf } from "../chat/store.ts";
import type { LiveEvent } from "../live/contract.ts";
import type { Deps } from "../platform/deps.ts";
import type { AnswerHub, Piece } from "./answer-hub.ts";
import { isOpen } from "./claim-answer.ts";
import { segmentsFrom, type StoredSegment, storedSegment } from "../chat/log/segments.ts";

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
   * Tells the text from a position on, and then whatever comes: `answer.thinking`, `answer.delta`,
   * `answer.reset` when an attempt has died, `message.changed` when it has to wait for a model, and at the
   * end `answer.done` with the message. Returns the end of the subscription. Costs 1 read and 1 for each
   * segment for the first reader, then 1 for each segment and change.
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
  /** UTF-16 units of the attempt's thinking that it has been told; a reader who resumes hears them again. */
  thinkingOffset: number;
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
  /** As the message has it: what was said in it may not have come yet. */
  lastEpoch: number;
  epoch: number;
  text: string;
  thinking: string;
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
      lastEpoch: 0,
      epoch: 0,
      text: "",
      thinking: "",
      waiting: undefined,
      done: undefined,
      stop: () => undefined,
    };
    const take = ({ epoch, offset, text, isThinking = false }: Piece): void => {
      if (feed.done !== undefined || epoch < feed.epoch) return;
      if (epoch > feed.epoch) Object.assign(feed, { epoch, text: "", thinking: "" });
      const name = isThinking ? "thinking" : "text";
      const known = feed[name];
      // What readers heard from the hub is left out when Firestore tells it again.
      if (offset > known.length || offset + text.length <= known.length) return;
      feed[name] += text.slice(known.length - offset);
      for (const reader of feed.readers) catchUp(feed, reader);
    };
    const takeSegment = ({ epoch, thinking, ...text }: StoredSegment): void => {
      if (thinking !== undefined) take({ epoch, ...thinking, isThinking: true });
      take({ epoch, ...text });
    };
    let last: StoredMessage | undefined;
    const fail = (cause: unknown): void =>
      deps.log.error("An answer can't be followed; readers come back.", cause, { chat: chat.number });
    const stops = deps.upkeep.run(() => [
      hub.listen(ref.path, take),
      segmentsFrom(chat, answer, 0).onSnapshot((snapshot) => {
        for (const { type, doc } of snapshot.docChanges())
          if (type === "added") takeSegment(storedSegment(doc));
      }, fail),
      ref.onSnapshot((snapshot) => {
        // A message that is gone with its chat ends the stream as a deleted one does.
        const stored = storedMessage(snapshot) ?? tombstoneOf(last);
        last = stored;
        if (stored === undefined) return;
        feed.number = stored.number;
        const found = { id: snapshot.id, stored };
        const waits = stored.status === "queued" && stored.answer?.served?.as === "queued";
        feed.waiting = waits ? found : undefined;
        feed.lastEpoch = stored.answer?.epoch ?? 0;
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
      const position = from ?? { epoch: 0, offset: 0 };
      const reader: Reader = { position, thinkingOffset: 0, isPatient: false, tell };
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

const tombstoneOf = (last: StoredMessage | undefined): StoredMessage | undefined =>
  last && { ...last, status: "deleted", body: { text: "" } };

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
    reader.thinkingOffset = 0;
  };
  const say = (text: string): void => {
    if (position.offset >= text.length) return;
    const { epoch, offset } = position;
    const data = { chat, message: number, epoch, offset, text: text.slice(offset) };
    events.push({ event: "answer.delta", data });
    position.offset = text.length;
  };
  const think = (text: string): void => {
    const { thinkingOffset: offset } = reader;
    if (offset >= text.length) return;
    const data = { chat, message: number, epoch: position.epoch, offset, text: text.slice(offset) };
    events.push({ event: "answer.thinking", data });
    reader.thinkingOffset = text.length;
  };
  if (waiting !== undefined && !reader.isPatient) {
    events.push({
      event: "message.changed",
      data: { chat, message: messageView(waiting.id, waiting.stored) },
    });
    reader.isPatient = true;
  }
  const lastEpoch = Math.max(feed.epoch, feed.lastEpoch);
  if (position.epoch < feed.epoch) restart(feed.epoch);
  // An epoch that never was: the reader begins anew.
  else if (position.epoch > lastEpoch) restart(lastEpoch);
  if (done === undefined) {
    if (position.epoch === feed.epoch) {
      think(feed.thinking);
      say(feed.text);
    }
  } else {
    const { text } = done.stored.body;
    const epoch = done.stored.answer?.epoch ?? feed.epoch;
    // An attempt that died, or whose text was cut, is taken back from readers who heard more of it.
    const isSame = position.offset <= text.length && text.startsWith(feed.text.slice(0, position.offset));
    if (position.epoch < epoch || !isSame) restart(epoch);
    say(text);
    events.push({ event: "answer.done", data: { chat, message: messageView(done.id, done.stored) } });
    feed.readers.delete(reader);
  }
  if (events.length > 0) reader.tell(events, { ...position });
}
