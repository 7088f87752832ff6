import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { Message } from "../../../shared/chat/contract.ts";
import { readMessage } from "../../../shared/chat/read/read-messages.ts";
import { etagOf, knownRevision } from "../../runtime/conditional.ts";
import { notModified, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const getMessage = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}",
  summary: "Reads a message.",
  conditional: "read",
  access: "message:read",
  params: MessageParams,
  reply: Message,
  async handle({ deps, app, principal, params, headers }) {
    const message = await readMessage(deps, chatHandle(app, params.chat), principal, params.message);
    const etag = etagOf(message.revision);
    return knownRevision(headers)?.(message.revision) ? notModified(etag) : ok(message, { etag });
  },
});
