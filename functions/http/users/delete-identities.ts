import { unbindPerson } from "../../../shared/identity/unbind-person.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

/** Takes an account away from whom it is bound to at the identity providers. */
export const deleteUserIdentities = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/users/{id}/identities",
  summary: "Forgets the provider accounts that a person signs in with.",
  access: "user:change",
  sensitive: true,
  params: UserParams,
  reply: "empty",
  async handle({ deps, app, principal, params, caller }) {
    await unbindPerson(deps, app, principal, { userId: params.id, caller });
    return noContent;
  },
});
