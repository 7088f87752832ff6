import type { ChatHandle } from "../../../shared/chat/chat-handle.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import type { UiChunk } from "../../../shared/ai-sdk/contract.ts";
import { createUiStream } from "../../../shared/ai-sdk/ui-stream.ts";
import { eventStream, type StreamForm, type StreamOpener } from "../../runtime/event-stream.ts";
import type { Reply } from "../../runtime/reply.ts";
import type { LiveDeps } from "../live-deps.ts";

/** The AI SDK's UI message stream, version 1: pieces as JSON, and a word at the end. */
const UI_MESSAGE_STREAM: StreamForm = {
  headers: { "x-vercel-ai-ui-message-stream": "v1" },
  first: () => "",
  frame: ({ data }) => `data: ${JSON.stringify(data)}\n\n`,
  // Its client resumes a stream that is cut, and takes one that ends for the whole.
  reconnect: undefined,
  finish: "data: [DONE]\n\n",
};

/** Replies with an answer as the SDK's client reads it, from its start to its end. */
export function uiStreamOf(
  opener: StreamOpener & { readonly deps: LiveDeps },
  chat: ChatHandle,
  answer: Message,
): Promise<Reply> {
  const { deps, principal } = opener;
  const stream = createUiStream();
  const events = (chunks: readonly UiChunk[]) =>
    chunks.map((data) => ({ event: "answer.delta" as const, data }));
  return eventStream(
    opener,
    async (sink) => {
      sink.send(events(stream.begin(answer)));
      const leave = deps.chatFeeds.attend(chat, principal, sink.end);
      const unfollow = deps.answerFeeds.follow(chat, answer.id, undefined, (told) => {
        sink.send(events(stream.take(told)));
        if (told.at(-1)?.event === "answer.done") sink.finish();
      });
      return () => {
        unfollow();
        leave();
      };
    },
    { form: UI_MESSAGE_STREAM },
  );
}
