import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { editMessage } from "../../../shared/chat/log/change-message.ts";
import { textJudgeFor } from "../../../shared/chat/moderation/judge-new.ts";
import { Message, MessageChange } from "../../../shared/chat/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const patchMessage = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}",
  access: "message:write",
  idempotent: true,
  params: MessageParams,
  body: MessageChange,
  reply: Message,
  async handle({ deps, app, principal, params, body, requestKey }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    const judge = await textJudgeFor(deps, app, principal);
    return ok(await editMessage(deps, address, { text: body.text, requestKey, judge }));
  },
});
