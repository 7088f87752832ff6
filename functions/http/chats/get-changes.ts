import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { z } from "zod";
import { ChangesQuery, Message } from "../../../shared/chat/contract.ts";
import { readChanges } from "../../../shared/chat/read/read-changes.ts";
import { ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const getChanges = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/changes",
  summary: "Lists messages that have changed since a revision.",
  access: "message:read",
  params: ChatParams,
  operations: operationsOfPage,
  query: ChangesQuery,
  reply: z.object({ data: z.array(Message), revision: z.number(), hasMore: z.boolean() }),
  async handle({ deps, app, principal, params, query }) {
    return ok(await readChanges(deps, chatHandle(app, params.chat), principal, query));
  },
});
