import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { demandModel } from "../../../shared/assistant/choose-models.ts";
import { changeChat } from "../../../shared/chat/log/change-chat.ts";
import { Chat, ChatChange } from "../../../shared/chat/contract.ts";
import { etagOf, expectedRevision } from "../../runtime/conditional.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const patchChat = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/chats/{chat}",
  summary: "Changes a chat, or how the caller has arranged it.",
  conditional: "write",
  // How one has arranged a chat for oneself is nobody else's affair; the rest is demanded where it is done.
  access: "chat:read",
  params: ChatParams,
  body: ChatChange,
  example: { title: "Dinner", pinned: true },
  reply: Chat,
  async handle({ deps, app, principal, params, body, headers }) {
    if (body.model) demandModel(deps, await deps.apps.settingsOf(app), body.model);
    const chat = await changeChat(deps, chatHandle(app, params.chat), principal, {
      change: body,
      expected: expectedRevision(headers),
    });
    return ok(chat, { etag: etagOf(chat.revision) });
  },
});
