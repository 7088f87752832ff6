import { react } from "../../../shared/chat/log/change-message.ts";
import { Emoji, Message } from "../../../shared/chat/contract.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";
import { MessageParams } from "../parameters.ts";

const ReactionParams = MessageParams.extend({ emoji: Emoji });
const path = "/v1/apps/{app}/chats/{chat}/messages/{message}/reactions/{emoji}";

export const putReaction = endpoint({
  method: "PUT",
  path,
  access: "message:write",
  params: ReactionParams,
  answer: Message,
  async handle({ deps, app, principal, params }) {
    const address = { app, chat: params.chat, number: params.message, principal };
    return ok(await react(deps, address, params.emoji, true));
  },
});

export const deleteReaction = endpoint({
  method: "DELETE",
  path,
  access: "message:write",
  params: ReactionParams,
  answer: Message,
  async handle({ deps, app, principal, params }) {
    const address = { app, chat: params.chat, number: params.message, principal };
    return ok(await react(deps, address, params.emoji, false));
  },
});
