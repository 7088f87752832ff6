import { type Message, Text } from "../chat/contract.ts";
import { AppError } from "../platform/errors.ts";
import type { UiFinishReason, UiMessage } from "./contract.ts";

/** A stored message as the SDK's client shows it. Pure. */
export function uiMessageOf(message: Message): UiMessage {
  const { id, role, text, thinking } = message;
  return {
    id,
    role: role === "assistant" || role === "system" ? role : "user",
    parts: [
      ...(role === "assistant" ? [{ type: "step-start" }] : []),
      ...(thinking === undefined ? [] : [{ type: "reasoning", text: thinking.text, state: "done" }]),
      ...(text === "" ? [] : [{ type: "text", text, state: "done" }]),
    ],
    metadata: uiMetadataOf(message),
  };
}

/** What our API says of a message besides its words. */
export const uiMetadataOf = ({ number, createdAt, status, finishReason, usage }: Message): object => ({
  number,
  createdAt,
  status,
  ...(finishReason === undefined ? {} : { finishReason }),
  ...(usage === undefined ? {} : { usage }),
});

/** What a person says in a message of theirs. @throws AppError `invalid_request` for what is no text */
export function textIn({ role, parts }: UiMessage, path: string): string {
  const refuse = (at: string, message: string): AppError =>
    new AppError("invalid_request", "The message can't be taken.", {
      errors: [{ path: `${path}.${at}`, message }],
    });
  if (role !== "user") throw refuse("role", "must be user: what others say is not taken from a client");
  const texts = parts.flatMap(({ type, text }, at) => {
    // Of an earlier step, or what an app's page notes for itself.
    if (type === "step-start" || type.startsWith("data-")) return [];
    if (type !== "text") throw refuse(`parts.${at}.type`, "must be text");
    return text === undefined ? [] : [text];
  });
  const text = Text.safeParse(texts.join("\n"));
  if (!text.success) throw refuse("parts", text.error.issues[0]?.message ?? "must have a text");
  return text.data;
}

const FINISH_REASONS: Readonly<Record<NonNullable<Message["finishReason"]>, UiFinishReason>> = {
  stop: "stop",
  length: "length",
  content_filter: "content-filter",
  refusal: "content-filter",
  tool_calls: "tool-calls",
  stopped: "other",
};

export const uiFinishReason = ({ finishReason }: Message): UiFinishReason =>
  finishReason === undefined ? "stop" : FINISH_REASONS[finishReason];
