import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { z } from "zod";
import { Edit } from "../../../shared/chat/contract.ts";
import { readEdits } from "../../../shared/chat/read/read-messages.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const getEdits = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}/edits",
  access: "message:read",
  params: MessageParams,
  reply: z.object({ data: z.array(Edit) }),
  async handle({ deps, app, principal, params }) {
    return ok({ data: await readEdits(deps, chatHandle(app, params.chat), principal, params.message) });
  },
});
