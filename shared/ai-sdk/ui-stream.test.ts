import { expect, test } from "vitest";
import type { Message } from "../chat/contract.ts";
import type { LiveEvent } from "../live/contract.ts";
import { createUiStream } from "./ui-stream.ts";

const answer = { id: "a1", number: 2, createdAt: "2026-01-01T00:00:00.000Z" };
const messageOf = (more: Partial<Message>): Message =>
  ({ ...answer, role: "assistant", status: "complete", text: "", ...more }) as Message;
const say = (text: string): LiveEvent => ({ event: "answer.delta", data: { text } });
const think = (text: string): LiveEvent => ({ event: "answer.thinking", data: { text } });
const reset: LiveEvent = { event: "answer.reset", data: {} };
const done = (more: Partial<Message>): LiveEvent => ({
  event: "answer.done",
  data: { message: messageOf(more) },
});
const typesOf = (...events: LiveEvent[]): string[] => {
  const stream = createUiStream();
  const chunks = [...stream.begin(messageOf({ status: "queued" })), ...stream.take(events)];
  return chunks.map((chunk) => ("delta" in chunk ? `${chunk.type} ${chunk.id} ${chunk.delta}` : chunk.type));
};

test("thoughts and words are parts of their own, one after the other", () => {
  expect(typesOf(think("Hm"), think("m."), say("Yes"), say("."), done({}))).toEqual([
    "start",
    "start-step",
    "reasoning-start",
    "reasoning-delta 1 Hm",
    "reasoning-delta 1 m.",
    "reasoning-end",
    "text-start",
    "text-delta 2 Yes",
    "text-delta 2 .",
    "text-end",
    "finish-step",
    "finish",
  ]);
});

test("an attempt that died is taken back, and the next one begins parts of its own", () => {
  expect(typesOf(say("Half a"), reset, say("Whole"), done({}))).toEqual([
    "start",
    "start-step",
    "text-start",
    "text-delta 1 Half a",
    "text-end",
    "reset-step",
    "text-start",
    "text-delta 2 Whole",
    "text-end",
    "finish-step",
    "finish",
  ]);
});

test("an answer that was stopped is an abort, one that failed an error with its reason", () => {
  expect(typesOf(say("Half"), done({ status: "stopped" })).slice(-3)).toEqual([
    "text-end",
    "finish-step",
    "abort",
  ]);
  const stream = createUiStream();
  const error = { code: "too_long", message: "The question is too long." } as const;
  expect(stream.take([done({ status: "failed", error })])).toEqual([
    { type: "finish-step" },
    { type: "error", errorText: "The question is too long." },
  ]);
});

test.each([
  ["length", "length"],
  ["content_filter", "content-filter"],
  ["refusal", "content-filter"],
  ["tool_calls", "tool-calls"],
  [undefined, "stop"],
] as const)("an answer that ended by %s says %s", (finishReason, said) => {
  const message = finishReason === undefined ? {} : { finishReason };
  expect(
    createUiStream()
      .take([done(message)])
      .at(-1),
  ).toMatchObject({ type: "finish", finishReason: said });
});
