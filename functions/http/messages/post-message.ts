import { z } from "zod";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { answerHere, claimMsHere } from "../../../shared/assistant/answer-here.ts";
import { openClassification } from "../../../shared/assistant/classify-question.ts";
import { enqueueAsked } from "../../../shared/assistant/tasks.ts";
import { textJudgeFor } from "../../../shared/chat/moderation/judge-new.ts";
import { appendMessage, recallMessage } from "../../../shared/chat/log/append-message.ts";
import { Message, NewMessage, ScheduledMessage } from "../../../shared/chat/contract.ts";
import { recallScheduled, scheduleMessage } from "../../../shared/chat/scheduled/schedule-message.ts";
import type { Sink } from "../../../shared/live/contract.ts";
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
  summary: "Posts a message, or schedules one.",
  statuses: [200, 201, 202],
  streams: true,
  access: "message:write",
  idempotent: true,
  params: ChatParams,
  body: NewMessage,
  example: { text: "Noodles at one?" },
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
    if (queued !== undefined && !waits) await enqueueAsked(deps, chat, queued);
    if (queued === undefined || !waits) return created(message, replayed);
    const answered = answerHere(deps, chat, queued);
    const subscribe = async (sink: Sink): Promise<() => void> => {
      // While the instance ends, the stream lasts for as long as the answer is made here.
      void answered.then(() => deps.upkeep.isEnding && sink.end());
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
    };
    try {
      return await eventStream({ deps, app, principal, spend }, subscribe, { isOfThisInstance: true });
    } catch (cause) {
      // The message stands and is being answered, whether the caller may have one more stream or not.
      const isRefused =
        cause instanceof AppError && (cause.code === "quota_exceeded" || deps.upkeep.isEnding);
      if (isRefused) return created(message);
      throw cause;
    }
  },
});
