import { Chat, NewFork } from "../../../shared/chat/contract.ts";
import { forkChat, recallFork } from "../../../shared/chat/branches/fork-chat.ts";
import { created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const postFork = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/chats/{chat}/forks",
  summary: "Copies a chat up to a message into a chat of one's own.",
  access: "chat:create",
  idempotent: true,
  params: ChatParams,
  body: NewFork,
  reply: Chat,
  async replay({ deps, app, principal, params, body, requestKey }) {
    const fork = await recallFork(deps, app, principal, { source: params.chat, at: body.at, requestKey });
    return fork && created(fork, true);
  },
  async handle({ deps, app, principal, params, body, requestKey, spend }) {
    const { chat, replayed } = await forkChat(deps, app, principal, {
      source: params.chat,
      at: body.at,
      requestKey,
      spend,
    });
    return created(chat, replayed);
  },
});
