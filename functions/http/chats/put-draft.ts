import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { NewDraft } from "../../../shared/chat/contract.ts";
import { keepDraft } from "../../../shared/chat/own/draft.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const putDraft = appEndpoint({
  method: "PUT",
  path: "/v1/apps/{app}/chats/{chat}/draft",
  summary: "Keeps what the caller has begun to write.",
  access: "chat:read",
  params: ChatParams,
  body: NewDraft,
  example: { text: "Or rather" },
  reply: "empty",
  async handle({ deps, app, principal, params, body }) {
    await keepDraft(deps, chatHandle(app, params.chat), principal, body);
    return noContent;
  },
});
