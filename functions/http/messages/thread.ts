import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Thread, ThreadRead } from "../../../shared/chat/contract.ts";
import { markThread, readThread } from "../../../shared/chat/own/read-thread.ts";
import { noContent, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

const path = "/v1/apps/{app}/chats/{chat}/messages/{message}/thread";

export const getThread = appEndpoint({
  method: "GET",
  path,
  summary: "Reads how many replies a thread has, and how many are unread.",
  access: "message:read",
  params: MessageParams,
  reply: Thread,
  async handle({ deps, app, principal, params }) {
    return ok(await readThread(deps, chatHandle(app, params.chat), principal, params.message));
  },
});

export const putThreadRead = appEndpoint({
  method: "PUT",
  path: `${path}/read`,
  summary: "Marks a thread as read up to a reply.",
  access: "chat:read",
  params: MessageParams,
  body: ThreadRead,
  reply: "empty",
  async handle({ deps, app, principal, params, body }) {
    const mark = { root: params.message, number: body.number };
    await markThread(deps, chatHandle(app, params.chat), principal, mark);
    return noContent;
  },
});
