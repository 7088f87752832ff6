import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Mute } from "../../../shared/notify/contract.ts";
import { muteChat, unmuteChat } from "../../../shared/notify/mute.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

const path = "/v1/apps/{app}/chats/{chat}/mute";

export const putMute = appEndpoint({
  method: "PUT",
  path,
  summary: "Mutes a chat.",
  access: "notification:change",
  params: ChatParams,
  body: Mute,
  reply: "empty",
  async handle({ deps, app, principal, params, body }) {
    await muteChat(deps, chatHandle(app, params.chat), principal, body);
    return noContent;
  },
});

export const deleteMute = appEndpoint({
  method: "DELETE",
  path,
  summary: "Unmutes a chat.",
  access: "notification:change",
  params: ChatParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await unmuteChat(deps, chatHandle(app, params.chat), principal);
    return noContent;
  },
});
