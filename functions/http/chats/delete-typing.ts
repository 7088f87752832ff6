import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { signalTypingEnd } from "../../../shared/chat/log/signal.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const deleteTyping = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/chats/{chat}/typing",
  summary: "Says that the caller is not typing any more.",
  access: "message:write",
  params: ChatParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await signalTypingEnd(deps, chatHandle(app, params.chat), principal);
    return noContent;
  },
});
