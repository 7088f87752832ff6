import type { Message } from "../chat/contract.ts";
import type { LiveEvent } from "../live/contract.ts";
import type { UiChunk } from "./contract.ts";
import { uiFinishReason, uiMetadataOf } from "./ui-message.ts";

/** Turns what an answer's readers are told (answer-feed.ts) into pieces of the SDK's stream. */
export interface UiStream {
  begin(answer: Message): UiChunk[];
  take(events: readonly LiveEvent[]): UiChunk[];
}

type Kind = "text" | "reasoning";

/**
 * A stream of one answer, from its start: a reader who comes back gets all of it again, as the client
 * expects. An attempt that died is taken back (`reset-step`), and what the next one says follows.
 */
export function createUiStream(): UiStream {
  /** The part that is being told, and how many there have been. */
  let open: Kind | undefined;
  let parts = 0;
  const close = (): UiChunk[] => {
    if (open === undefined) return [];
    const chunk: UiChunk = { type: `${open}-end`, id: String(parts) };
    open = undefined;
    return [chunk];
  };
  const say = (kind: Kind, delta: string): UiChunk[] => {
    const begun: UiChunk[] = open === kind ? [] : close();
    if (open !== kind) {
      open = kind;
      parts += 1;
      begun.push({ type: `${kind}-start`, id: String(parts) });
    }
    return [...begun, { type: `${kind}-delta`, id: String(parts), delta }];
  };
  const end = (message: Message): UiChunk[] => {
    const closed = close();
    if (message.status === "failed") {
      const errorText = message.error?.message ?? "The model did not answer.";
      return [...closed, { type: "finish-step" }, { type: "error", errorText }];
    }
    if (message.status !== "complete") return [...closed, { type: "finish-step" }, { type: "abort" }];
    const finish: UiChunk = {
      type: "finish",
      finishReason: uiFinishReason(message),
      messageMetadata: uiMetadataOf(message),
    };
    return [...closed, { type: "finish-step" }, finish];
  };
  return {
    begin: (answer) => [
      { type: "start", messageId: answer.id, messageMetadata: uiMetadataOf(answer) },
      { type: "start-step" },
    ],
    take: (events) =>
      events.flatMap(({ event, data }): UiChunk[] => {
        const { text, message } = data as { readonly text: string; readonly message: Message };
        if (event === "answer.delta") return say("text", text);
        if (event === "answer.thinking") return say("reasoning", text);
        if (event === "answer.reset") return [...close(), { type: "reset-step" }];
        return event === "answer.done" ? end(message) : [];
      }),
  };
}
