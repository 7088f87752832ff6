import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Edit, EditListQuery, pageOf } from "../../../shared/chat/contract.ts";
import { readEdits } from "../../../shared/chat/read/read-changes.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const getEdits = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}/edits",
  summary: "Lists what a message said before.",
  access: "message:read",
  params: MessageParams,
  operations: operationsOfPage,
  query: EditListQuery,
  reply: pageOf(Edit),
  async handle({ deps, app, principal, params, query }) {
    return ok(await readEdits(deps, chatHandle(app, params.chat), principal, params.message, query));
  },
});
