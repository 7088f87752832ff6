import { z } from "zod";
import { TEXT_CHARS_MAX } from "../chat/contract.ts";

/**
 * The AI SDK's UI messages (`DefaultChatTransport`): what its client sends and reads. It may send more than
 * is named here, as its versions and apps do.
 */

const ID_CHARS_MAX = 200;
/** Of a chat or a message, as the client draws them. */
export const UiId = z.string().min(1).max(ID_CHARS_MAX);

/** A client that sends its whole list sends at most so many; one may send the last alone (`message`). */
export const UI_MESSAGES_MAX = 1_000;
export const UI_PARTS_MAX = 1_000;

export const UiPart = z.looseObject({
  type: z.string().max(100),
  text: z.string().max(TEXT_CHARS_MAX).optional(),
});
export type UiPart = z.infer<typeof UiPart>;

export const UiMessage = z.looseObject({
  id: UiId,
  role: z.enum(["system", "user", "assistant"]),
  parts: z.array(UiPart).max(UI_PARTS_MAX),
  metadata: z.unknown().optional(),
});
export type UiMessage = z.infer<typeof UiMessage>;

export const UiRequest = z
  .looseObject({
    /** Of the chat: the client's own, which stands for one chat of this person; or the number of a chat. */
    id: UiId,
    /** All that the client has, the newest last. Only the newest is taken; the rest says where it belongs. */
    messages: z.array(UiMessage).max(UI_MESSAGES_MAX).optional(),
    /** The newest alone, which follows what is stored. */
    message: UiMessage.optional(),
    trigger: z.enum(["submit-message", "regenerate-message"]).default("submit-message"),
    /** The answer to make again, or the message that a new text replaces. */
    messageId: UiId.nullish(),
    /** Of a chat that begins with this. */
    model: z.string().min(1).max(200).optional(),
  })
  .refine(({ trigger, messages = [], message }) => {
    return trigger === "regenerate-message" || message !== undefined || messages.length > 0;
  }, "must have a message");
export type UiRequest = z.infer<typeof UiRequest>;

/** What the page of a chat is begun with (`useChat({ messages })`). */
export const UiMessages = z.object({
  /** The number of the chat; null while nothing has been said in it. */
  chat: z.number().nullable(),
  /** Of the path that the chat shows, the oldest first. */
  messages: z.array(UiMessage),
  /** There are older ones, which the API's own pages have. */
  hasMore: z.boolean(),
});
export type UiMessages = z.infer<typeof UiMessages>;

/** A piece of a stream of a message, as the SDK's reader takes it. */
export type UiChunk =
  | { readonly type: "start"; readonly messageId: string; readonly messageMetadata: object }
  | { readonly type: "start-step" | "finish-step" | "reset-step" | "abort" }
  | { readonly type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end"; readonly id: string }
  | { readonly type: "text-delta" | "reasoning-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "error"; readonly errorText: string }
  | { readonly type: "finish"; readonly finishReason: UiFinishReason; readonly messageMetadata: object };

export type UiFinishReason = "stop" | "length" | "content-filter" | "tool-calls" | "error" | "other";
