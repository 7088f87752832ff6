import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Message, MessagePageQuery, pageOf } from "../../../shared/chat/contract.ts";
import { pageJson, readMessages } from "../../../shared/chat/read/read-messages.ts";
import { etagOf, knownRevision } from "../../runtime/conditional.ts";
import { notModified, okJson } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const getMessages = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages",
  summary: "Reads a page of messages, the newest first.",
  conditional: "read",
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
    return okJson(pageJson(found), { etag: etagOf(found.revision) });
  },
});
