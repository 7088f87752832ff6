import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import {
  askAgain,
  rateAnswer,
  readAnswer,
  recallAsking,
  stopAnswer,
} from "../../../shared/assistant/change-answer.ts";
import { openClassification } from "../../../shared/assistant/classify-question.ts";
import { Feedback, StreamQuery } from "../../../shared/assistant/contract.ts";
import { answerTasks } from "../../../shared/assistant/tasks.ts";
import { tryEnqueue } from "../../../shared/platform/task.ts";
import { Message } from "../../../shared/chat/contract.ts";
import { accepted, noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { STREAM_OPERATIONS } from "../../runtime/open-streams.ts";
import { eventStream } from "../../runtime/event-stream.ts";
import { oneHeader } from "../../runtime/request-context.ts";
import { MessageParams } from "../parameters.ts";

const path = "/v1/apps/{app}/chats/{chat}/messages/{message}";

/** Another answer to the same question. */
export const postAnswer = appEndpoint({
  method: "POST",
  path: `${path}/answer`,
  access: "message:write",
  idempotent: true,
  params: MessageParams,
  reply: Message,
  async replay({ app, principal, params, requestKey }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    const message = await recallAsking(address, requestKey);
    return message && accepted(message, true);
  },
  async handle({ deps, app, principal, params, requestKey }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    const { message, queued, replayed } = await askAgain(
      deps,
      address,
      requestKey,
      await openClassification(deps, app, principal),
    );
    if (queued !== undefined) {
      const payload = { app: app.id, chat: params.chat, answer: queued.id };
      await tryEnqueue(deps, answerTasks[queued.lane], payload, { occasion: "asked" });
    }
    return accepted(message, replayed);
  },
});

export const deleteAnswer = appEndpoint({
  method: "DELETE",
  path: `${path}/answer`,
  access: "message:write",
  params: MessageParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await stopAnswer(deps, { chat: chatHandle(app, params.chat), number: params.message, principal });
    return noContent;
  },
});

export const putFeedback = appEndpoint({
  method: "PUT",
  path: `${path}/feedback`,
  access: "message:write",
  params: MessageParams,
  body: Feedback,
  reply: "empty",
  async handle({ deps, app, principal, params, body }) {
    await rateAnswer(deps, { chat: chatHandle(app, params.chat), number: params.message, principal }, body);
    return noContent;
  },
});

/** One answer as it comes, resumed by `Last-Event-ID` or `?after=`; it ends with the answer. */
export const getAnswerStream = appEndpoint({
  method: "GET",
  path: `${path}/stream`,
  access: "message:read",
  ticket: true,
  params: MessageParams,
  operations: STREAM_OPERATIONS,
  query: StreamQuery,
  reply: "event-stream",
  async handle({ deps, app, principal, params, query, headers, spend }) {
    const found = await readAnswer(deps, {
      chat: chatHandle(app, params.chat),
      number: params.message,
      principal,
    });
    const last = oneHeader(headers["last-event-id"]) ?? query.after ?? "";
    const [, epoch, offset] = /^(\d{1,9})\.(\d{1,9})$/.exec(last) ?? [];
    const from = epoch === undefined ? undefined : { epoch: Number(epoch), offset: Number(offset) };
    const chat = chatHandle(app, params.chat);
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
