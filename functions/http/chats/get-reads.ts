import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { z } from "zod";
import { readReads } from "../../../shared/chat/read/read-changes.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const getReads = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/reads",
  summary: "Says up to where each member has read.",
  access: "chat:read",
  params: ChatParams,
  reply: z.object({
    data: z.array(z.object({ user: z.string(), number: z.number(), delivered: z.number() })),
  }),
  async handle({ deps, app, principal, params, spend }) {
    return ok({ data: await readReads(deps, chatHandle(app, params.chat), principal, spend) });
  },
});
