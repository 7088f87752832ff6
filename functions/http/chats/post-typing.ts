import { signalTyping } from "../../../shared/chat/log/signal.ts";
import { endpoint, noContent } from "../../runtime/endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const postTyping = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/chats/{chat}/typing",
  access: "message:write",
  params: ChatParams,
  async handle({ deps, app, principal, params }) {
    await signalTyping(deps, app, principal, params.chat);
    return noContent;
  },
});
