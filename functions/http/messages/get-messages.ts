import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Message, MessagePageQuery, pageOf } from "../../../shared/chat/contract.ts";
import { readMessages } from "../../../shared/chat/read/read-messages.ts";
import { etagOf, knownRevision } from "../../runtime/conditional.ts";
import { notModified, ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const getMessages = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages",
  access: "message:read",
  params: ChatParams,
  operations: operationsOfPage,
  query: MessagePageQuery,
  reply: pageOf(Message),
  async handle({ deps, app, principal, params, query, headers }) {
    const found = await readMessages(deps, chatHandle(app, params.chat), principal, {
      query,
      isKnown: knownRevision(headers),
    });
    if ("unchanged" in found) return notModified(etagOf(found.unchanged));
    return ok(found.page, { etag: etagOf(found.revision) });
  },
});
