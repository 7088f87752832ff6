import { pageOf } from "../../../shared/chat/contract.ts";
import { listPresence, PRESENCE_OPERATIONS } from "../../../shared/live/list-presence.ts";
import { PresenceQuery, UserPresence } from "../../../shared/live/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** Who of these people is online, and when the others were seen last. */
export const getPresence = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/presence",
  summary: "Says who is online.",
  access: "user:read",
  operations: ({ users }: PresenceQuery) => users.length * PRESENCE_OPERATIONS,
  query: PresenceQuery,
  reply: pageOf(UserPresence),
  async handle({ deps, app, principal, query }) {
    const { directory } = await deps.apps.settingsOf(app);
    const data = await listPresence(deps, app, principal, { users: query.users, directory });
    return ok({ data, hasMore: false, next: null, prev: null });
  },
});
