import { z } from "zod";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { answerHere, claimMsHere } from "../../../shared/assistant/answer-here.ts";
import { openClassification } from "../../../shared/assistant/classify-question.ts";
import { answerTasks } from "../../../shared/assistant/tasks.ts";
import { tryEnqueue } from "../../../shared/platform/task.ts";
import { textJudgeFor } from "../../../shared/chat/moderation/judge-new.ts";
import { appendMessage, recallMessage } from "../../../shared/chat/log/append-message.ts";
import { Message, NewMessage, ScheduledMessage } from "../../../shared/chat/contract.ts";
import { recallScheduled, scheduleMessage } from "../../../shared/chat/scheduled/schedule-message.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { accepted, created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { eventStream } from "../../runtime/event-stream.ts";
import { ChatParams } from "../parameters.ts";

/**
 * Appends a message, or schedules it for the time of `sendAt`. In a chat with a model it is answered: in the
 * background, or, for a caller who accepts a stream, here and at once. The stream begins with the message and
 * ends with its answer; should it break off, the answer goes on.
 */
export const postMessage = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/chats/{chat}/messages",
  access: "message:write",
  idempotent: true,
  params: ChatParams,
  body: NewMessage,
  reply: z.union([Message, ScheduledMessage]),
  async replay({ app, principal, params, body, requestKey }) {
    const chat = chatHandle(app, params.chat);
    if (body.sendAt !== undefined) {
      const scheduled = await recallScheduled(chat, principal, { draft: body, requestKey });
      return scheduled && accepted(scheduled, true);
    }
    const message = await recallMessage(chat, principal, { draft: body, requestKey });
    return message && created(message, true);
  },
  async handle({ deps, app, principal, params, body, requestKey, headers, spend }) {
    const chat = chatHandle(app, params.chat);
    if (body.sendAt !== undefined) {
      const { scheduled, replayed } = await scheduleMessage(deps, chat, principal, {
        draft: body,
        requestKey,
      });
      return accepted(scheduled, replayed);
    }
    const waits = /\btext\/event-stream\b/.test(headers.accept ?? "");
    const classify = await openClassification(deps, app, principal);
    const claimMs = waits ? await claimMsHere(deps, app) : undefined;
    const judge = await textJudgeFor(deps, app, principal);
    const { message, replayed, queued } = await appendMessage(deps, chat, principal, {
      draft: body,
      requestKey,
      judge,
      classify: (text) => ({ ...classify(text), claimMs }),
    });
    if (queued !== undefined && !waits) {
      const payload = { app: app.id, chat: chat.number, answer: queued.id };
      await tryEnqueue(deps, answerTasks[queued.lane], payload, { occasion: "asked" });
    }
    if (queued === undefined || !waits) return created(message, replayed);
    answerHere(deps, chat, queued);
    try {
      return await eventStream({ deps, app, principal, spend }, async (sink) => {
        sink.send([{ id: message.revision, event: "message.created", data: { chat: chat.number, message } }]);
        const leave = deps.chatFeeds.attend(chat, principal, sink.end);
        const unfollow = deps.answerFeeds.follow(chat, queued.id, undefined, (events) => {
          sink.send(events);
          if (events.at(-1)?.event === "answer.done") sink.finish();
        });
        return () => {
          unfollow();
          leave();
        };
      });
    } catch (cause) {
      // The message stands and is being answered, whether the caller may have one more stream or not.
      if (cause instanceof AppError && cause.code === "quota_exceeded") return created(message);
      throw cause;
    }
  },
});
