import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Chat, GroupRole } from "../../../shared/chat/contract.ts";
import { changeGroupRole } from "../../../shared/chat/log/change-members.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MemberParams } from "../parameters.ts";

/** Within the group; what somebody is in the app stays. */
export const putRole = appEndpoint({
  method: "PUT",
  path: "/v1/apps/{app}/chats/{chat}/members/{user}/role",
  summary: "Gives a member a role in the group.",
  access: "chat:change",
  params: MemberParams,
  body: GroupRole,
  reply: Chat,
  async handle({ deps, app, principal, params, body }) {
    const change = { userId: params.user, role: body.role };
    return ok(await changeGroupRole(deps, chatHandle(app, params.chat), principal, change));
  },
});
