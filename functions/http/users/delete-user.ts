import { leaveGroups } from "../../../shared/chat/log/leave-groups.ts";
import { forgetReach } from "../../../shared/notify/devices.ts";
import { removePerson } from "../../../shared/identity/end-membership.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

/** Ends a person's membership of the app; what they wrote stays. */
export const deleteUser = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/users/{id}",
  summary: "Removes a person from the app.",
  access: "user:change",
  sensitive: true,
  params: UserParams,
  reply: "empty",
  async handle({ deps, app, principal, params, caller }) {
    await removePerson(deps, app, principal, { userId: params.id, caller });
    await Promise.all([leaveGroups(deps, app, params.id), forgetReach(deps, app, params.id)]);
    return noContent;
  },
});
