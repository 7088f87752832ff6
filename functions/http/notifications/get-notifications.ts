import { pageOf } from "../../../shared/chat/contract.ts";
import { Notification, NotificationQuery } from "../../../shared/notify/contract.ts";
import { listNotifications } from "../../../shared/notify/list-notifications.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const getNotifications = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/notifications",
  access: "notification:read",
  query: NotificationQuery,
  reply: pageOf(Notification),
  async handle({ deps, app, principal, query }) {
    return ok(await listNotifications(deps, app, principal, query));
  },
});
