import { readAnswer } from "../../../shared/assistant/change-answer.ts";
import { StreamQuery } from "../../../shared/assistant/contract.ts";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { eventStream } from "../../runtime/event-stream.ts";
import { STREAM_OPERATIONS } from "../../runtime/open-streams.ts";
import { oneHeader } from "../../runtime/request-context.ts";
import { liveEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

/** One answer as it comes, resumed by `Last-Event-ID` or `?after=`; it ends with the answer. */
export const getAnswerStream = liveEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}/stream",
  summary: "Streams an answer while it is made.",
  access: "message:read",
  ticket: true,
  params: MessageParams,
  operations: STREAM_OPERATIONS,
  query: StreamQuery,
  reply: "event-stream",
  async handle({ deps, app, principal, params, query, headers, spend }) {
    const chat = chatHandle(app, params.chat);
    const found = await readAnswer(deps, { chat, number: params.message, principal });
    const last = oneHeader(headers["last-event-id"]) ?? query.after ?? "";
    const [, epoch, offset] = /^(\d{1,9})\.(\d{1,9})$/.exec(last) ?? [];
    const from = epoch === undefined ? undefined : { epoch: Number(epoch), offset: Number(offset) };
    return eventStream({ deps, app, principal, spend }, async (sink) => {
      const leave = deps.chatFeeds.attend(chat, principal, sink.end);
      const unfollow = deps.answerFeeds.follow(chat, found.id, from, (events, position) => {
        const id = `${position.epoch}.${position.offset}`;
        sink.send(events.map((event) => ({ ...event, id })));
        if (events.at(-1)?.event === "answer.done") sink.finish();
      });
      return () => {
        unfollow();
        leave();
      };
    });
  },
});
