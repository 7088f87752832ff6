import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { addMember, removeMember } from "../../../shared/chat/log/change-members.ts";
import { Chat } from "../../../shared/chat/contract.ts";
import { noContent, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MemberParams } from "../parameters.ts";

const path = "/v1/apps/{app}/chats/{chat}/members/{user}";

export const putMember = appEndpoint({
  method: "PUT",
  path,
  summary: "Adds a member.",
  access: "chat:change",
  params: MemberParams,
  reply: Chat,
  async handle({ deps, app, principal, params }) {
    const { history } = await deps.apps.settingsOf(app);
    const chat = chatHandle(app, params.chat);
    return ok(await addMember(deps, chat, principal, { userId: params.user, history }));
  },
});

export const deleteMember = appEndpoint({
  method: "DELETE",
  path,
  summary: "Removes a member, or leaves.",
  access: "chat:change",
  params: MemberParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await removeMember(deps, chatHandle(app, params.chat), principal, params.user);
    return noContent;
  },
});
