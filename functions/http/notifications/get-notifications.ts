import { pageOf } from "../../../shared/chat/contract.ts";
import { Notification, NotificationQuery } from "../../../shared/notify/contract.ts";
import { listNotifications } from "../../../shared/notify/list-notifications.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** Of each: a document, its chat and its message. */
const NOTIFICATION_OPERATIONS = 3;

export const getNotifications = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/notifications",
  summary: "Lists the caller's notifications.",
  access: "notification:read",
  operations: ({ limit }) => NOTIFICATION_OPERATIONS * operationsOfPage({ limit }),
  query: NotificationQuery,
  reply: pageOf(Notification),
  async handle({ deps, app, principal, query }) {
    return ok(await listNotifications(deps, app, principal, query));
  },
});
