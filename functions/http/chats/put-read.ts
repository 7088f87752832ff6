import { z } from "zod";
import { markRead } from "../../../shared/chat/change-chat.ts";
import { MessageNumber } from "../../../shared/chat/contract.ts";
import { readAccessible } from "../../../shared/chat/read-messages.ts";
import { endpoint, noContent } from "../../runtime/endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const putRead = endpoint({
  method: "PUT",
  path: "/v1/apps/{app}/chats/{chat}/read",
  access: "chat:read",
  params: ChatParams,
  body: z.strictObject({ number: MessageNumber }),
  async handle({ deps, app, principal, params, body }) {
    const head = await readAccessible(deps, app, principal, params.chat);
    await markRead(app, principal, head, body.number);
    return noContent;
  },
});
