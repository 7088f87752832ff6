import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { changeMessageMetadata, recallMetadata } from "../../../shared/chat/log/change-message-metadata.ts";
import { editMessage, recallEdit } from "../../../shared/chat/log/change-message.ts";
import { textJudgeFor } from "../../../shared/chat/moderation/judge-new.ts";
import { Message, MessageChange } from "../../../shared/chat/contract.ts";
import { etagOf, expectedRevision } from "../../runtime/conditional.ts";
import { ok, REPLAYED } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { MessageParams } from "../parameters.ts";

export const patchMessage = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/chats/{chat}/messages/{message}",
  summary: "Edits a message.",
  conditional: "write",
  access: "message:write",
  idempotent: true,
  params: MessageParams,
  body: MessageChange,
  example: { text: "Noodles at half past one?" },
  reply: Message,
  async replay({ app, principal, params, body, requestKey }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    const { text, metadata = null } = body;
    const message = await (text === undefined
      ? recallMetadata(address, { metadata, requestKey })
      : recallEdit(address, { ...body, text }, requestKey));
    return message && ok(message, { ...REPLAYED, etag: etagOf(message.revision) });
  },
  async handle({ deps, app, principal, params, body, requestKey, headers }) {
    const address = { chat: chatHandle(app, params.chat), number: params.message, principal };
    const expected = expectedRevision(headers);
    const { text, metadata = null } = body;
    const message = await (text === undefined
      ? changeMessageMetadata(deps, address, { metadata, requestKey, expected })
      : editMessage(deps, address, {
          ...body,
          text,
          requestKey,
          expected,
          judge: await textJudgeFor(deps, app, principal),
        }));
    return ok(message, { etag: etagOf(message.revision) });
  },
});
