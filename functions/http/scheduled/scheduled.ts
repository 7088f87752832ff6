import { z } from "zod";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { pageOf, ScheduledChange, ScheduledMessage } from "../../../shared/chat/contract.ts";
import {
  cancelScheduled,
  changeScheduled,
  listScheduled,
} from "../../../shared/chat/scheduled/change-scheduled.ts";
import { SCHEDULED_IN_CHAT_MAX } from "../../../shared/chat/scheduled/schedule-message.ts";
import { DrawnId } from "../../../shared/identity/contract.ts";
import { noContent, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

const ScheduledParams = z.object({ ...ChatParams.shape, id: DrawnId });

export const getScheduled = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/scheduled",
  summary: "Lists the caller's scheduled messages in a chat.",
  access: "message:write",
  params: ChatParams,
  operations: SCHEDULED_IN_CHAT_MAX,
  reply: pageOf(ScheduledMessage),
  async handle({ deps, app, principal, params }) {
    return ok(await listScheduled(deps, chatHandle(app, params.chat), principal));
  },
});

export const patchScheduled = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/chats/{chat}/scheduled/{id}",
  summary: "Changes a scheduled message.",
  access: "message:write",
  params: ScheduledParams,
  body: ScheduledChange,
  reply: ScheduledMessage,
  async handle({ deps, app, principal, params, body }) {
    const address = { chat: chatHandle(app, params.chat), id: params.id, by: principal };
    return ok(await changeScheduled(deps, address, body));
  },
});

export const deleteScheduled = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/chats/{chat}/scheduled/{id}",
  summary: "Cancels a scheduled message.",
  access: "message:write",
  params: ScheduledParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await cancelScheduled(deps, { chat: chatHandle(app, params.chat), id: params.id, by: principal });
    return noContent;
  },
});
