import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { signalTyping } from "../../../shared/chat/log/signal.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const postTyping = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/chats/{chat}/typing",
  summary: "Says that the caller is typing.",
  access: "message:write",
  params: ChatParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await signalTyping(deps, chatHandle(app, params.chat), principal);
    return noContent;
  },
});
