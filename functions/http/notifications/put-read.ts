import { NotificationsRead } from "../../../shared/notify/contract.ts";
import { markNoticed } from "../../../shared/notify/mark-noticed.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const putNotificationsRead = appEndpoint({
  method: "PUT",
  path: "/v1/apps/{app}/notifications/read",
  summary: "Marks notifications as read.",
  access: "notification:read",
  body: NotificationsRead,
  reply: "empty",
  async handle({ deps, app, principal, body }) {
    await markNoticed(deps, app, principal, body);
    return noContent;
  },
});
