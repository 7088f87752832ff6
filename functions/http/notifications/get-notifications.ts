import { pageOf } from "../../../shared/chat/contract.ts";
import { Notification, NotificationQuery } from "../../../shared/notify/contract.ts";
import { listNotifications } from "../../../shared/notify/list-notifications.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const getNotifications = endpoint({
  method: "GET",
  path: "/v1/apps/{app}/notifications",
  access: "notification:read",
  query: NotificationQuery,
  answer: pageOf(Notification),
  async handle({ deps, app, principal, query }) {
    return ok(await listNotifications(deps, app, principal, query));
  },
});
