import { type ChatHandle } from "../chat/chat-handle.ts";
import { messagesOf } from "../chat/store.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { AnswerHub } from "./answer-hub.ts";
import { isSegmentDue, SEGMENT_MS, type SegmentEnd, writeSegment } from "../chat/log/segments.ts";

/** Keeps what an attempt says, and what it thinks before. */
export interface SegmentWriter {
  text(): string;
  thinking(): string;
  add(piece: string): void;
  think(piece: string): void;
  /** Nothing more is written by itself. */
  stop(): void;
  /** @throws AppError `unavailable` when a part could not be kept */
  close(end: SegmentEnd): Promise<void>;
}

/** Keeps what comes, in segments, one write at a time; and lets readers here have it at once. */
export function openSegmentWriter(
  deps: Pick<Deps, "clock"> & { readonly answerHub: AnswerHub },
  chat: ChatHandle,
  id: string,
  epoch: number,
): SegmentWriter {
  const { path } = messagesOf(chat).doc(id);
  const said = { text: "", thinking: "" };
  const written = { text: 0, thinking: 0 };
  let index = 0;
  let lastMs = performance.now();
  let writing: Promise<void> = Promise.resolve();
  let failure: unknown;
  const write = (end?: SegmentEnd): void => {
    const thought = said.thinking.slice(written.thinking);
    const segment = {
      epoch,
      index,
      offset: written.text,
      text: said.text.slice(written.text),
      nowMs: deps.clock.now(),
      ...(thought === "" ? {} : { thinking: { offset: written.thinking, text: thought } }),
      ...(end === undefined ? {} : { end }),
    };
    index += 1;
    written.text = said.text.length;
    written.thinking = said.thinking.length;
    lastMs = performance.now();
    writing = writing
      .then(() => (failure === undefined ? writeSegment(chat, id, segment) : undefined))
      .catch((cause: unknown) => {
        failure = cause;
      });
  };
  const flushIfDue = (): void => {
    const textChars = said.text.length - written.text;
    const thinkingChars = said.thinking.length - written.thinking;
    if (isSegmentDue({ index, textChars, thinkingChars, waitedMs: performance.now() - lastMs })) write();
  };
  // Text is written after SEGMENT_MS even when the model pauses.
  const timer = setInterval(flushIfDue, SEGMENT_MS);
  return {
    text: () => said.text,
    thinking: () => said.thinking,
    add(piece) {
      deps.answerHub.say(path, { epoch, offset: said.text.length, text: piece });
      said.text += piece;
      flushIfDue();
    },
    think(piece) {
      deps.answerHub.say(path, { epoch, offset: said.thinking.length, text: piece, isThinking: true });
      said.thinking += piece;
      flushIfDue();
    },
    stop: () => clearInterval(timer),
    async close(end) {
      write(end);
      await writing;
      if (failure !== undefined)
        throw new AppError("unavailable", "A part of the answer could not be kept.", {}, { cause: failure });
    },
  };
}
