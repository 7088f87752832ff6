import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { react } from "../../../shared/chat/log/react.ts";
import { Emoji, Message } from "../../../shared/chat/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

const ReactionParams = MessageParams.extend({ emoji: Emoji });
const path = "/v1/apps/{app}/chats/{chat}/messages/{message}/reactions/{emoji}";

export const putReaction = appEndpoint({
  method: "PUT",
  path,
  summary: "Reacts to a message.",
  access: "message:write",
  params: ReactionParams,
  reply: Message,
  async handle({ deps, app, principal, params }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    return ok(await react(deps, address, params.emoji, true));
  },
});

export const deleteReaction = appEndpoint({
  method: "DELETE",
  path,
  summary: "Takes a reaction back.",
  access: "message:write",
  params: ReactionParams,
  reply: Message,
  async handle({ deps, app, principal, params }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    return ok(await react(deps, address, params.emoji, false));
  },
});
